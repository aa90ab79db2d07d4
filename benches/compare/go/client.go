package main

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

const (
	// From connecting to the last byte of the body.
	deadline = 15 * time.Second
	maxBody  = 1 << 20
)

// Client asks one agent, which it knows by its certificate.
type Client struct {
	base          string
	authorization string
	http          *http.Client
}

// NewClient takes the fingerprint as 32 bytes in hexadecimal, with or without colons.
func NewClient(endpoint, token, fingerprint string) (*Client, error) {
	pin, err := hex.DecodeString(strings.ReplaceAll(fingerprint, ":", ""))
	if err != nil || len(pin) != sha256.Size {
		return nil, errors.New("expected a SHA-256 in hexadecimal")
	}
	transport := &http.Transport{
		TLSClientConfig: &tls.Config{
			MinVersion: tls.VersionTLS12,
			// The certificate is self-signed: the pin stands for chain, name and dates.
			InsecureSkipVerify: true,
			VerifyConnection: func(state tls.ConnectionState) error {
				leaf := sha256.Sum256(state.PeerCertificates[0].Raw)
				if subtle.ConstantTimeCompare(leaf[:], pin) != 1 {
					return errors.New("another certificate than the pinned one")
				}
				return nil
			},
		},
		MaxIdleConnsPerHost: 8,
	}
	noRedirects := func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &Client{
		base:          "https://" + endpoint,
		authorization: "Bearer " + token,
		http:          &http.Client{Transport: transport, CheckRedirect: noRedirects},
	}, nil
}

type envelope[T any] struct {
	OK    bool   `json:"ok"`
	Data  T      `json:"data"`
	Error string `json:"error"`
}

// Get asks for a path, and decodes the data of the answer.
func Get[T any](client *Client, path string) (data T, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, client.base+path, nil)
	if err != nil {
		return data, err
	}
	request.Header.Set("Authorization", client.authorization)
	response, err := client.http.Do(request)
	if err != nil {
		return data, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(http.MaxBytesReader(nil, response.Body, maxBody))
	if err != nil {
		return data, err
	}
	if response.StatusCode != http.StatusOK {
		return data, fmt.Errorf("GET %s: HTTP %d", path, response.StatusCode)
	}
	var answer envelope[T]
	if err := json.Unmarshal(body, &answer); err != nil {
		return data, err
	}
	if !answer.OK {
		return data, errors.New(answer.Error)
	}
	return answer.Data, nil
}
