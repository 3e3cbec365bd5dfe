import java.io.IOException;
import java.io.InputStream;
import java.net.HttpURLConnection;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;

/** The clients of Java's own library. Each name in the arguments is a client that makes one call; prints how each went. */
public class Clients {
    private static final URI URL = URI.create("https://fal.run/acme/plain");

    public static void main(String[] names) {
        List<String> results = new ArrayList<>();
        for (String name : names) results.add(quoted(name) + ": " + quoted(outcome(name)));
        System.out.println("{" + String.join(", ", results) + "}");
    }

    private static String outcome(String name) {
        try {
            return name.equals("HttpClient") ? withHttpClient() : withConnection();
        } catch (Exception error) {
            return "failed: " + error;
        }
    }

    private static String withConnection() throws IOException {
        HttpURLConnection connection = (HttpURLConnection) URL.toURL().openConnection();
        connection.setRequestMethod("POST");
        connection.setRequestProperty("content-type", "application/json");
        connection.setDoOutput(true);
        connection.getOutputStream().write("{}".getBytes(StandardCharsets.UTF_8));
        try (InputStream body = connection.getInputStream()) {
            return new String(body.readAllBytes(), StandardCharsets.UTF_8);
        }
    }

    private static String withHttpClient() throws IOException, InterruptedException {
        HttpRequest request = HttpRequest.newBuilder(URL)
                .header("content-type", "application/json")
                .POST(HttpRequest.BodyPublishers.ofString("{}"))
                .build();
        return HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString()).body();
    }

    private static String quoted(String text) {
        return '"' + text.replace("\\", "\\\\").replace("\"", "\\\"").replace("\n", "\\n") + '"';
    }
}
