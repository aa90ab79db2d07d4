module agentapi.example/host

go 1.24
