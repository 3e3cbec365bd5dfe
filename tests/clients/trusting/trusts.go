// Prints which of the hosts Go connects to that trusts a CA: trusts.go CA PORT HOST..., all at loopback.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

func main() {
	pem, err := os.ReadFile(os.Args[1])
	if err != nil {
		panic(err)
	}
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(pem)
	for _, host := range os.Args[3:] {
		line, err := tls.Dial("tcp", "127.0.0.1:"+os.Args[2], &tls.Config{RootCAs: roots, ServerName: host})
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %s\n", host, err)
			continue
		}
		line.Close()
		fmt.Println(host)
	}
}
