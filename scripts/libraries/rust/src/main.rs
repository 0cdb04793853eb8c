//! What scripts/libraries/main.ts asks of each backend's library; prints one line of JSON.
use pusher::{Member, PusherBuilder};
use serde_json::{from_str, json, Value};
use std::collections::HashMap;
use std::env::{args, var};

fn env(name: &str) -> String {
    var(name).unwrap_or_else(|_| panic!("{name} is not set"))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let [channel, socket_id]: [String; 2] = args().skip(1).collect::<Vec<_>>().try_into().unwrap();
    let host = format!("{}:{}", env("FANFARE_HOST"), env("FANFARE_PORT"));
    let library = |secret: &str| {
        PusherBuilder::new(&env("PUSHER_APP_ID"), &env("PUSHER_APP_KEY"), secret).host(&host).finalize()
    };
    let client = library(&env("PUSHER_APP_SECRET"));
    let data: Value = from_str(&env("EVENT_DATA")).unwrap();
    client.trigger(&channel, "one", &data).await.unwrap();
    // It has no batches.
    client.trigger(&channel, "two", &data).await.unwrap();
    client.trigger(&channel, "three", &data).await.unwrap();
    let info = vec![("info".to_string(), "subscription_count".to_string())];
    let count = client.channel_with_options(&channel, info).await.unwrap().subscription_count;
    let private = client.authenticate_private_channel(&format!("private-{channel}"), &socket_id).unwrap();
    let member = Member { user_id: "42", user_info: Some(HashMap::from([("name", "Ada")])) };
    let presence = client.authenticate_presence_channel(&format!("presence-{channel}"), &socket_id, &member).unwrap();
    let (key, signature, body) = (env("PUSHER_APP_KEY"), env("WEBHOOK_SIGNATURE"), env("WEBHOOK_BODY"));
    let answer = json!({
        "subscriptionCount": count,
        "private": from_str::<Value>(&private).unwrap(),
        "presence": from_str::<Value>(&presence).unwrap(),
        "user": null,
        "webhook": client.webhook(&key, &signature, &body).is_ok(),
        "wrongWebhook": client.webhook(&key, &signature, &format!("{body} ")).is_ok(),
        "refused": library("wrong").trigger(&channel, "never", "{}").await.err(),
    });
    println!("{answer}");
}
