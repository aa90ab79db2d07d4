package agentapi

import "testing"

func TestTheUUIDOfAFileSystemIsInItsDurableID(t *testing.T) {
	for id, uuid := range map[string]string{"uuid:0f3c": "0f3c", "byid:ata-1": "", "": "", "xuuid:1": ""} {
		if found := (DiskInfo{DurableID: id}).FSUUID(); found != uuid {
			t.Errorf("%q: expected %q, found %q", id, uuid, found)
		}
	}
}

func TestTheOperatorsCommandIsQuotedForAShell(t *testing.T) {
	pending := PendingOp{Op: "storage_wipe", HostScope: "", DurableID: "it's\n"}
	expected := "felhom-opsign -op storage_wipe -host '' -durable-id 'it'\\''s\n'"
	if found := pending.OpsignCommand(); found != expected {
		t.Errorf("expected %q, found %q", expected, found)
	}
}
