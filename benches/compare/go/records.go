package main

// The agent's answers, with all of their fields.

type Storage struct {
	VMID   int64   `json:"vmid"`
	Mounts []Mount `json:"mounts"`
}

type Mount struct {
	Key        string `json:"key"`
	Storage    string `json:"storage"`
	MountPoint string `json:"mount_point"`
	Class      string `json:"class"`
	Backup     bool   `json:"backup"`
}

type Disks struct {
	VMID  int64  `json:"vmid"`
	Disks []Disk `json:"disks"`
}

type Disk struct {
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

type Metrics struct {
	VMID           int64    `json:"vmid"`
	Host           Host     `json:"host"`
	StorageTargets []Target `json:"storage_targets"`
}

type Host struct {
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
	CPUTempC         *int64   `json:"cpu_temp_c"`
}

type Target struct {
	Name         string    `json:"name"`
	Type         string    `json:"type"`
	State        string    `json:"state"`
	Reachable    bool      `json:"reachable"`
	TotalBytes   int64     `json:"total_bytes"`
	UsedBytes    int64     `json:"used_bytes"`
	AvailBytes   int64     `json:"avail_bytes"`
	UsedFraction float64   `json:"used_fraction"`
	Content      string    `json:"content"`
	MountPath    string    `json:"mount_path"`
	ClassHint    string    `json:"class_hint"`
	ThinPool     *ThinPool `json:"thin_pool"`
	SMART        *SMART    `json:"smart"`
}

type ThinPool struct {
	DataUsedFraction     float64  `json:"data_used_fraction"`
	MetadataUsedFraction *float64 `json:"metadata_used_fraction"`
}

type SMART struct {
	Health         string `json:"health"`
	TemperatureC   *int64 `json:"temperature_c"`
	PercentageUsed *int64 `json:"percentage_used"`
}
