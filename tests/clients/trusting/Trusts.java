// Prints which of the hosts Java connects to that trusts a CA: Trusts.java CA PORT HOST..., all at loopback.
import java.io.FileInputStream;
import java.net.Socket;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLException;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;

public class Trusts {
    public static void main(String[] args) throws Exception {
        KeyStore store = KeyStore.getInstance("PKCS12");
        store.load(null, null);
        try (FileInputStream file = new FileInputStream(args[0])) {
            store.setCertificateEntry("ca", CertificateFactory.getInstance("X.509").generateCertificate(file));
        }
        TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        trust.init(store);
        SSLContext context = SSLContext.getInstance("TLS");
        context.init(null, trust.getTrustManagers(), null);
        for (int i = 2; i < args.length; i++) {
            int port = Integer.parseInt(args[1]);
            try (Socket line = new Socket("127.0.0.1", port);
                    SSLSocket secure = (SSLSocket) context.getSocketFactory().createSocket(line, args[i], port, true)) {
                var parameters = secure.getSSLParameters();
                parameters.setEndpointIdentificationAlgorithm("HTTPS");
                secure.setSSLParameters(parameters);
                secure.startHandshake();
                System.out.println(args[i]);
            } catch (SSLException error) {
                System.err.println(args[i] + ": " + error.getMessage());
            }
        }
    }
}
