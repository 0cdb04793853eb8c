// What scripts/libraries/main.ts asks of each backend's library; prints one line of JSON.
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"net/http"
	"net/url"
	"os"

	"github.com/pusher/pusher-http-go/v5"
)

func library(secret string) pusher.Client {
	return pusher.Client{
		AppID:  os.Getenv("PUSHER_APP_ID"),
		Key:    os.Getenv("PUSHER_APP_KEY"),
		Secret: secret,
		Host:   os.Getenv("FANFARE_HOST") + ":" + os.Getenv("FANFARE_PORT"),
	}
}

func must[T any](value T, err error) T {
	if err != nil {
		log.Fatal(err)
	}
	return value
}

func main() {
	channel, socketID := os.Args[1], os.Args[2]
	client := library(os.Getenv("PUSHER_APP_SECRET"))
	data := json.RawMessage(os.Getenv("EVENT_DATA"))
	if err := client.Trigger(channel, "one", data); err != nil {
		log.Fatal(err)
	}
	must(client.TriggerBatch([]pusher.Event{
		{Channel: channel, Name: "two", Data: data},
		{Channel: channel, Name: "three", Data: data},
	}))
	info := "subscription_count"
	params := func(name string) []byte {
		return []byte(url.Values{"socket_id": {socketID}, "channel_name": {name}}.Encode())
	}
	headers := http.Header{}
	headers.Set("X-Pusher-Key", os.Getenv("PUSHER_APP_KEY"))
	headers.Set("X-Pusher-Signature", os.Getenv("WEBHOOK_SIGNATURE"))
	body := os.Getenv("WEBHOOK_BODY")
	_, webhook := client.Webhook(headers, []byte(body))
	_, wrongWebhook := client.Webhook(headers, []byte(body+" "))
	wrong := library("wrong")
	refused := wrong.Trigger(channel, "never", "{}")
	member := pusher.MemberData{UserID: "42", UserInfo: map[string]string{"name": "Ada"}}
	answer := map[string]any{
		"subscriptionCount": must(client.Channel(channel, pusher.ChannelParams{Info: &info})).SubscriptionCount,
		"private":           json.RawMessage(must(client.AuthorizePrivateChannel(params("private-" + channel)))),
		"presence":          json.RawMessage(must(client.AuthorizePresenceChannel(params("presence-"+channel), member))),
		"user":              json.RawMessage(must(client.AuthenticateUser(params(""), map[string]any{"id": "42"}))),
		"webhook":           webhook == nil,
		"wrongWebhook":      wrongWebhook == nil,
		"refused":           fmt.Sprint(refused),
	}
	fmt.Println(string(must(json.Marshal(answer))))
}
