import io.socket.client.IO;
import io.socket.client.Socket;
import java.util.Map;

/** The official client of Java: says when it is connected and when it is not. */
public class Client {
  public static void main(String[] arguments) throws Exception {
    IO.Options options = new IO.Options();
    options.path = "/ws/socket.io";
    options.transports = new String[] {"websocket"};
    options.auth = Map.of("token", arguments[1]);
    Socket client = IO.socket(arguments[0], options);
    client.on(Socket.EVENT_CONNECT, what -> System.out.println("connect"));
    client.on(Socket.EVENT_DISCONNECT, what -> System.out.println("disconnect"));
    client.connect();
    Thread.currentThread().join();
  }
}
