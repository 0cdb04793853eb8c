// Decodes every manifest in a folder with the types of Kubernetes' API; an unknown key or a value of a wrong type is an
// error.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"k8s.io/apimachinery/pkg/runtime/serializer/json"
	"k8s.io/client-go/kubernetes/scheme"
)

func main() {
	decoder := json.NewSerializerWithOptions(json.DefaultMetaFactory, scheme.Scheme, scheme.Scheme,
		json.SerializerOptions{Yaml: true, Strict: true})
	files, err := filepath.Glob(filepath.Join(os.Args[1], "*.yaml"))
	if err != nil || len(files) == 0 {
		fmt.Fprintln(os.Stderr, "no manifests in", os.Args[1])
		os.Exit(1)
	}
	kinds := []string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		for _, document := range strings.Split(string(text), "\n---\n") {
			_, kind, err := decoder.Decode([]byte(document), nil, nil)
			if err != nil {
				fmt.Fprintf(os.Stderr, "%s: %v\n", file, err)
				os.Exit(1)
			}
			kinds = append(kinds, kind.Kind)
		}
	}
	fmt.Println(strings.Join(kinds, ", "), "decode strictly")
}
