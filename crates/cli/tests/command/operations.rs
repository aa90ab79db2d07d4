//! What each operation prints, for people and as JSON.

use serde_json::json;

use crate::support::Fixture;

#[test]
fn storage_lists_the_mounts() {
    let text = Fixture::start().succeed(&["storage"]);
    let expected = "\
Guest 101: 3 mounts

KEY      STORAGE     MOUNTED AT           CLASS  IN BACKUP
appdata  local-nvme  /mnt/felhom/appdata  fast   yes
media    local-hdd   /mnt/felhom/media    slow   yes
scratch  shared-nfs  /mnt/felhom/scratch  -      no
";
    assert_eq!(text, expected);
}

#[test]
fn a_backup_is_due_started_and_followed() {
    let fixture = Fixture::with("backup.duration_ms = 0");
    assert_eq!(fixture.succeed(&["backup", "status"]), "No backup of guest 101 was started yet.\n");
    let due = "A backup is due for guest 101: last backup 26h ago, policy daily\n";
    assert_eq!(fixture.succeed(&["backup", "due"]), due);
    let started = "Backup bk-101-1 of guest 101 is running. Follow it with: agentapi backup status\n";
    assert_eq!(fixture.succeed(&["backup", "start"]), started);
    assert_eq!(fixture.succeed(&["backup", "status"]), "Backup bk-101-1 of guest 101: done.\n");
    assert_eq!(fixture.succeed(&["backup", "due"]), "No backup is due for guest 101: backup bk-101-1 is done\n");
}

#[test]
fn disks_are_listed_with_a_lock_on_system_and_backup_disks() {
    let text = Fixture::start().succeed(&["disks", "list"]);
    let lines: Vec<_> = text.lines().collect();
    assert_eq!(lines[0], "Guest 101: 4 disks");
    let headings =
        "NAME        DEVICE          ROLE                TYPE  STATE           SIZE   USED  CLASS  MOUNTED AT  ";
    assert!(lines[2].starts_with(headings) && lines[2].ends_with("  DATA ON IT                DURABLE ID"), "{text}");
    for (line, start) in [
        (3, "root        /dev/nvme0n1p3  🔒 system (locked)  nvme  mounted    476.9 GiB  25.0%  fast   /  "),
        (4, "usb-backup  /dev/sdb1       🔒 backup (locked)  usb   mounted      1.8 TiB  75.0%  slow   /mnt/"),
        (5, "media       /dev/sdc1       user data           sata  mounted      3.6 TiB  50.0%  slow   /mnt/"),
        (6, "spare       /dev/sdd1       user data           usb   available  931.5 GiB   0.0%  -      -  "),
    ] {
        assert!(lines[line].starts_with(start), "{text}");
    }
    assert!(lines[5].ends_with("  ext4 filesystem           uuid:0f3c9a52-7d1e-4f0b-9a55-2b8c1f6d7e10"), "{text}");
    assert_eq!(lines[8], "🔒 locked: formatted only when the host's operator signs.");
}

#[test]
fn a_disk_is_assigned_by_its_uuid_or_its_durable_id_and_ejected() {
    let fixture = Fixture::start();
    let uuid = "5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";
    let assigned = format!("Assigned {uuid} to /mnt/spare.\n");
    let options = ["--fstype", "ext4", "--options", "noatime,nofail"];
    for id in [uuid, &format!("uuid:{uuid}")] {
        let arguments = [&["disks", "assign", id, "/mnt/spare"], &options[..]].concat();
        assert_eq!(fixture.succeed(&arguments), assigned);
    }
    let body = r#"{"uuid":"5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33","where":"/mnt/spare","fstype":"ext4","options":"noatime,nofail"}"#;
    let sent = fixture.agent.requests();
    assert_eq!(sent.len(), 2);
    let json = |text: &[u8]| serde_json::from_slice::<serde_json::Value>(text).unwrap();
    assert!(sent.iter().all(|request| json(&request.body) == json(body.as_bytes())), "{sent:?}");
    assert_eq!(fixture.succeed(&["disks", "eject", "/mnt/spare"]), "Ejected /mnt/spare.\n");
    let ejected = "Ejected /mnt/felhom/media. Guests that used it: 101, 104.\n";
    assert_eq!(fixture.succeed(&["disks", "eject", "/mnt/felhom/media"]), ejected);
}

#[test]
fn metrics_are_printed_with_units() {
    let text = Fixture::start().succeed(&["metrics"]);
    let expected = "\
Host pve

  Processor    12.5%
  Temperature  47 °C
  Load         0.42 0.37 0.30
  Memory       50.0% (7.8 GiB of 15.5 GiB)
  Root disk    25.0% (23.5 GiB of 93.9 GiB)
  Up for       14 d 6 h

4 storage targets

";
    assert!(text.starts_with(expected), "{text}");
    for part in [
        "\nlocal-lvm   lvmthin  available                 791.6 GiB     50.0%  395.8 GiB  data 50.0%, metadata 3.2%  PASSED, ",
        "  PASSED, 38 °C, 3% worn  fast   images,rootdir  -\n",
        "  !! data 90.0%, metadata ?  !! FAILING, 51 °C       slow   images,backup   /mnt/pve/local-hdd\n",
        "\nshared-nfs  nfs      !! offline (unreachable)          ?         ?          ?  -                          ?  ",
    ] {
        assert!(text.contains(part), "{text}");
    }
}

#[test]
fn an_empty_list_is_a_sentence() {
    let fixture = Fixture::with("mounts = []\ndisks = []\nstorage_targets = []\nhost = { node = \"n\" }");
    assert_eq!(fixture.succeed(&["storage"]), "Nothing is mounted in guest 101.\n");
    assert_eq!(fixture.succeed(&["disks", "list"]), "Guest 101 has no disks.\n");
    assert!(fixture.succeed(&["metrics"]).ends_with("\nThe host has no storage targets.\n"));
}

#[test]
fn json_is_the_agents_own_in_one_line() {
    let fixture = Fixture::with("backup.duration_ms = 0");
    let mounts = fixture.json(&["storage"]);
    assert_eq!(mounts["mounts"][2]["class"], "");
    let due = json!({"vmid": 101, "due": true, "reason": "last backup 26h ago, policy daily"});
    assert_eq!(fixture.json(&["backup", "due"]), due);
    let job = json!({"vmid": 101, "job_id": "bk-101-1", "phase": "running"});
    assert_eq!(fixture.json(&["backup", "start"]), job);
    let status = json!({"vmid": 101, "phase": "done", "job_id": "bk-101-1", "error": ""});
    assert_eq!(fixture.json(&["backup", "status"]), status);
    let disks = fixture.json(&["disks", "list"]);
    assert_eq!(disks["disks"][2]["total_bytes"], 4_000_787_030_016_i64);
    assert_eq!(disks["disks"][2]["used_fraction"], 0.5);
    let silent = json!({"health": "", "temperature_c": null, "percentage_used": null});
    assert_eq!(fixture.json(&["metrics"])["storage_targets"][3]["smart"], silent);
    let durable_id = "uuid:5b2e8d14-3c60-47a9-8f21-6e0d9c4b7a33";
    let assign = ["disks", "assign", durable_id, "/mnt/spare", "--fstype", "ext4"];
    assert_eq!(fixture.json(&assign), serde_json::Value::Null);
    let ejected = json!({"vmid": 101, "ejected": "/mnt/spare", "dependent_guests": []});
    assert_eq!(fixture.json(&["disks", "eject", "/mnt/spare"]), ejected);
}

#[test]
fn control_characters_of_the_agent_are_escaped() {
    let evil = r#""\u001b[2J\u009b31m\u202ex""#;
    let mount = format!("[[mounts]]\nkey = {evil}\nmount_point = {evil}\n");
    let disk = format!("[[disks]]\nname = {evil}\nrole = {evil}\ndata_bearing = true\ndata_reason = {evil}\n");
    let host = format!("[host]\nnode = {evil}\nloadavg = [{evil}]\n");
    let target = format!("[[storage_targets]]\nname = {evil}\nsmart = {{ health = {evil} }}\n");
    let backup = format!("[backup]\nreason = {evil}\nfailure = {evil}\nduration_ms = 0\n");
    let fixture = Fixture::with(&[mount, disk, host, target, backup].concat());
    let commands: [&[&str]; 6] = [
        &["storage"],
        &["disks", "list"],
        &["metrics"],
        &["backup", "due"],
        &["backup", "start"],
        &["backup", "status"],
    ];
    for arguments in commands {
        for json in [&[][..], &["--json"]] {
            let text = fixture.succeed(&[arguments, json].concat());
            let is_raw = |c: char| (c.is_control() && c != '\n') || c == '\u{202e}';
            assert!(!text.contains(is_raw), "{arguments:?}: {text:?}");
        }
    }
}
