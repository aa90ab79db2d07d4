package agentapi

import (
	"fmt"
	"regexp"
	"strings"
)

// The phases of a backup. The agent may say others.
const (
	PhaseIdle    = "idle"
	PhaseRunning = "running"
	PhaseDone    = "done"
	PhaseFailed  = "failed"
)

// MountInfo is one storage that is mounted in the guest.
type MountInfo struct {
	Key        string `json:"key"`
	Storage    string `json:"storage"`
	MountPoint string `json:"mount_point"`
	Class      string `json:"class"`
	Backup     bool   `json:"backup"`
}

// StorageResponse is what is mounted in the guest.
type StorageResponse struct {
	VMID   int         `json:"vmid"`
	Mounts []MountInfo `json:"mounts"`
}

// DueResponse says whether a backup is due, and why.
type DueResponse struct {
	VMID   int    `json:"vmid"`
	Due    bool   `json:"due"`
	Reason string `json:"reason"`
}

// BackupResponse is the backup that was started.
type BackupResponse struct {
	VMID  int    `json:"vmid"`
	JobID string `json:"job_id"`
	Phase string `json:"phase"`
}

// StatusResponse says how far the latest backup is.
type StatusResponse struct {
	VMID  int    `json:"vmid"`
	Phase string `json:"phase"`
	JobID string `json:"job_id"`
	Error string `json:"error"`
}

// DiskInfo is one disk that the guest may use.
type DiskInfo struct {
	Name          string  `json:"name"`
	Type          string  `json:"type"`
	State         string  `json:"state"`
	BackingDevice string  `json:"backing_device"`
	MountPath     string  `json:"mount_path"`
	Class         string  `json:"class"`
	Role          string  `json:"role"`
	DataBearing   bool    `json:"data_bearing"`
	DataReason    string  `json:"data_reason"`
	TotalBytes    int64   `json:"total_bytes"`
	UsedBytes     int64   `json:"used_bytes"`
	UsedFraction  float64 `json:"used_fraction"`
	DurableID     string  `json:"durable_id"`
}

// FSUUID is the UUID of the disk's file system; empty if the durable id names something else.
func (d DiskInfo) FSUUID() string {
	uuid, found := strings.CutPrefix(d.DurableID, "uuid:")
	if !found {
		return ""
	}
	return uuid
}

// DisksResponse is the disks of the guest.
type DisksResponse struct {
	VMID  int        `json:"vmid"`
	Disks []DiskInfo `json:"disks"`
}

// EjectResult says what was ejected, and which guests used it too.
type EjectResult struct {
	VMID            int    `json:"vmid"`
	Ejected         string `json:"ejected"`
	DependentGuests []int  `json:"dependent_guests"`
}

// FormatResult says whether a disk was formatted, or who has to agree to it first.
type FormatResult struct {
	VMID              int        `json:"vmid"`
	Device            string     `json:"device"`
	Formatted         bool       `json:"formatted"`
	DataBearing       bool       `json:"data_bearing"`
	Reason            string     `json:"reason"`
	Role              string     `json:"role"`
	NeedsConfirmation bool       `json:"needs_confirmation"`
	DurableID         string     `json:"durable_id"`
	PendingOp         *PendingOp `json:"pending_op"`
}

// PendingOp is the operation that the operator of the host has to sign.
type PendingOp struct {
	Op        string `json:"op"`
	HostScope string `json:"host_scope"`
	DurableID string `json:"durable_id"`
	FSType    string `json:"fstype"`
}

// OpsignCommand is the command by which the operator signs the operation, quoted for a POSIX shell.
func (p PendingOp) OpsignCommand() string {
	return fmt.Sprintf("felhom-opsign -op %s -host %s -durable-id %s", quote(p.Op), quote(p.HostScope), quote(p.DurableID))
}

func quote(word string) string {
	if plain.MatchString(word) {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}

var plain = regexp.MustCompile(`\A[A-Za-z0-9@%+=:,./_-]+\z`)

// HostMetrics says how the host is doing.
type HostMetrics struct {
	Node             string   `json:"node"`
	CPUPercent       float64  `json:"cpu_percent"`
	MemoryTotalBytes int64    `json:"memory_total_bytes"`
	MemoryUsedBytes  int64    `json:"memory_used_bytes"`
	MemoryPercent    float64  `json:"memory_percent"`
	DiskTotalBytes   int64    `json:"disk_total_bytes"`
	DiskUsedBytes    int64    `json:"disk_used_bytes"`
	DiskPercent      float64  `json:"disk_percent"`
	LoadAvg          []string `json:"loadavg"`
	UptimeSeconds    int64    `json:"uptime_seconds"`
	CPUTempC         *int     `json:"cpu_temp_c"`
}

// ThinPoolFill says how full a thin pool is.
type ThinPoolFill struct {
	DataUsedFraction     float64  `json:"data_used_fraction"`
	MetadataUsedFraction *float64 `json:"metadata_used_fraction"`
}

// SmartSummary is what a drive says of itself.
type SmartSummary struct {
	Health         string `json:"health"`
	TemperatureC   *int   `json:"temperature_c"`
	PercentageUsed *int   `json:"percentage_used"`
}

// StorageTarget is one storage of the host.
type StorageTarget struct {
	Name         string        `json:"name"`
	Type         string        `json:"type"`
	State        string        `json:"state"`
	Reachable    bool          `json:"reachable"`
	TotalBytes   int64         `json:"total_bytes"`
	UsedBytes    int64         `json:"used_bytes"`
	AvailBytes   int64         `json:"avail_bytes"`
	UsedFraction float64       `json:"used_fraction"`
	Content      string        `json:"content"`
	MountPath    string        `json:"mount_path"`
	ClassHint    string        `json:"class_hint"`
	ThinPool     *ThinPoolFill `json:"thin_pool"`
	Smart        SmartSummary  `json:"smart"`
}

// HostMetricsResponse says how the host and its storage are doing.
type HostMetricsResponse struct {
	VMID           int             `json:"vmid"`
	Host           HostMetrics     `json:"host"`
	StorageTargets []StorageTarget `json:"storage_targets"`
}
