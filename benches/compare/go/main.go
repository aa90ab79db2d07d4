// A client in Go with the behaviour of the Go package that the component replaces, written anew to be measured beside it.
//
// For each line of its input, a path and a number, it makes so many calls one after the other, and prints the nanoseconds
// that they took. Endpoint, token and fingerprint are in the variables that `agentapi` reads too.
package main

import (
	"bufio"
	"fmt"
	"log"
	"os"
	"time"
)

func main() {
	client, err := NewClient(os.Getenv("AGENTAPI_ENDPOINT"), os.Getenv("AGENTAPI_TOKEN"), os.Getenv("AGENTAPI_FINGERPRINT"))
	if err != nil {
		log.Fatal(err)
	}
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var path string
		var calls int
		if _, err := fmt.Sscan(lines.Text(), &path, &calls); err != nil {
			log.Fatal(err)
		}
		began := time.Now()
		for i := 0; i < calls; i++ {
			if err := call(client, path); err != nil {
				log.Fatal(err)
			}
		}
		fmt.Println(time.Since(began).Nanoseconds())
	}
}

func call(client *Client, path string) (err error) {
	switch path {
	case "/storage":
		_, err = Get[Storage](client, path)
	case "/disks":
		_, err = Get[Disks](client, path)
	case "/host/metrics":
		_, err = Get[Metrics](client, path)
	default:
		err = fmt.Errorf("expected /storage, /disks or /host/metrics, found %s", path)
	}
	return err
}
