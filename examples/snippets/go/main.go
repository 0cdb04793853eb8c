// go run . CHANNEL EVENT 'JSON'          (go get github.com/pusher/pusher-http-go/v5)
package main

import (
	"encoding/json"
	"log"
	"net/url"
	"os"

	"github.com/pusher/pusher-http-go/v5"
)

func main() {
	target, err := url.Parse(env("FANFARE_URL", "http://127.0.0.1:6001"))
	if err != nil {
		log.Fatal(err)
	}
	client := pusher.Client{
		AppID:  env("PUSHER_APP_ID", "app-id"),
		Key:    env("PUSHER_APP_KEY", "app-key"),
		Secret: env("PUSHER_APP_SECRET", "app-secret"),
		Host:   target.Host,
		Secure: target.Scheme == "https",
	}
	if len(os.Args) != 4 {
		log.Fatal("usage: go run . CHANNEL EVENT JSON")
	}
	if err := client.Trigger(os.Args[1], os.Args[2], json.RawMessage(os.Args[3])); err != nil {
		log.Fatal(err)
	}
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
