import com.pusher.client.Pusher;
import com.pusher.client.PusherOptions;
import com.pusher.client.channel.ChannelEventListener;
import com.pusher.client.channel.PusherEvent;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;

/** A client that joins a channel, says so, prints the first event and ends. */
public class Client {
    public static void main(String[] args) throws Exception {
        PusherOptions options = new PusherOptions()
            .setHost(System.getenv("FANFARE_HOST"))
            .setWsPort(Integer.parseInt(System.getenv("FANFARE_PORT")))
            .setUseTLS(false);
        Pusher client = new Pusher(System.getenv("PUSHER_APP_KEY"), options);
        CountDownLatch ended = new CountDownLatch(1);
        client.subscribe(args[0], new ChannelEventListener() {
            @Override
            public void onSubscriptionSucceeded(String channel) {
                System.out.println("joined");
            }

            @Override
            public void onEvent(PusherEvent event) {
                System.out.println("event " + event.getData());
                ended.countDown();
            }
        }, "message");
        client.connect();
        System.exit(ended.await(20, TimeUnit.SECONDS) ? 0 : 1);
    }
}
