// go run examples/snippets/go-without-library/main.go CHANNEL EVENT 'JSON'          (nothing to install)
package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

// Trigger returns nil once Fanfare has taken the event.
func Trigger(channels []string, name, data string) error {
	url := env("FANFARE_URL", "http://127.0.0.1:6001")
	appID, key := env("PUSHER_APP_ID", "app-id"), env("PUSHER_APP_KEY", "app-key")
	secret := env("PUSHER_APP_SECRET", "app-secret")

	body, err := json.Marshal(map[string]any{"name": name, "channels": channels, "data": data})
	if err != nil {
		return err
	}
	path := "/apps/" + appID + "/events"
	query := fmt.Sprintf("auth_key=%s&auth_timestamp=%d&auth_version=1.0&body_md5=%x", key, time.Now().Unix(), md5.Sum(body))
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "POST\n%s\n%s", path, query)

	client := http.Client{Timeout: 5 * time.Second}
	response, err := client.Post(fmt.Sprintf("%s%s?%s&auth_signature=%x", url, path, query, mac.Sum(nil)), "application/json", bytes.NewReader(body))
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		answer, _ := io.ReadAll(response.Body)
		return fmt.Errorf("not sent: %s %s", response.Status, answer)
	}
	return nil
}

func main() {
	if len(os.Args) != 4 {
		log.Fatal("usage: go run main.go CHANNEL EVENT JSON")
	}
	if err := Trigger([]string{os.Args[1]}, os.Args[2], os.Args[3]); err != nil {
		log.Fatal(err)
	}
}

func env(name, fallback string) string {
	if value := os.Getenv(name); value != "" {
		return value
	}
	return fallback
}
