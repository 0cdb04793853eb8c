import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonObject;
import com.google.gson.JsonParser;
import com.pusher.rest.Pusher;
import com.pusher.rest.data.Event;
import com.pusher.rest.data.PresenceUser;
import com.pusher.rest.data.Result;
import com.pusher.rest.data.Validity;
import java.util.List;
import java.util.Map;

/** What scripts/libraries/main.ts asks of each backend's library; prints one line of JSON. */
public class Backend {
    private static Pusher library(String secret) {
        Pusher client = new Pusher(System.getenv("PUSHER_APP_ID"), System.getenv("PUSHER_APP_KEY"), secret);
        client.setHost(System.getenv("FANFARE_HOST") + ":" + System.getenv("FANFARE_PORT"));
        return client;
    }

    private static String taken(Result result) {
        if (result.getStatus() != Result.Status.SUCCESS) throw new IllegalStateException(result.getMessage());
        return result.getMessage();
    }

    public static void main(String[] args) throws Exception {
        String channel = args[0];
        String socketId = args[1];
        Pusher client = library(System.getenv("PUSHER_APP_SECRET"));
        JsonElement data = JsonParser.parseString(System.getenv("EVENT_DATA"));
        taken(client.trigger(channel, "one", data));
        taken(client.trigger(List.of(new Event(channel, "two", data), new Event(channel, "three", data))));
        String info = taken(client.get("/channels/" + channel, Map.of("info", "subscription_count")));
        String key = System.getenv("PUSHER_APP_KEY");
        String body = System.getenv("WEBHOOK_BODY");
        String signature = System.getenv("WEBHOOK_SIGNATURE");
        Result refused = library("wrong").trigger(channel, "never", "{}");
        JsonObject answer = new JsonObject();
        answer.add("subscriptionCount", JsonParser.parseString(info).getAsJsonObject().get("subscription_count"));
        answer.add("private", JsonParser.parseString(client.authenticate(socketId, "private-" + channel)));
        PresenceUser ada = new PresenceUser("42", Map.of("name", "Ada"));
        answer.add("presence", JsonParser.parseString(client.authenticate(socketId, "presence-" + channel, ada)));
        answer.add("user", null);
        answer.addProperty("webhook", client.validateWebhookSignature(key, signature, body) == Validity.VALID);
        Validity wrong = client.validateWebhookSignature(key, signature, body + " ");
        answer.addProperty("wrongWebhook", wrong == Validity.VALID);
        answer.addProperty("refused", refused.getHttpStatus() + " " + refused.getMessage());
        System.out.println(new Gson().toJson(answer));
        System.exit(0);
    }
}
