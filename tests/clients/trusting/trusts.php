<?php
// Prints which of the hosts PHP connects to that trusts a CA: trusts.php CA PORT HOST..., all at loopback.
[, $ca, $port] = $argv;
foreach (array_slice($argv, 3) as $host) {
    $trust = stream_context_create(["ssl" => ["cafile" => $ca, "peer_name" => $host]]);
    $line = @stream_socket_client("ssl://127.0.0.1:$port", $code, $text, 30, STREAM_CLIENT_CONNECT, $trust);
    if ($line) {
        fclose($line);
        echo "$host\n";
    } else {
        fwrite(STDERR, "$host: " . (error_get_last()["message"] ?? $text) . "\n");
    }
}
