use super::*;

fn origin(digest: &str) -> Origin {
    Origin { reference: "a.b/c:1".into(), digest: digest.into(), when: "2026-01-01T00:00:00Z".into() }
}

fn mode(file: &Path) -> u32 {
    fs::metadata(file).unwrap().permissions().mode() & 0o777
}

#[test]
fn an_extension_lies_beside_its_signature_and_its_origin() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    store(&file, b"one", Some("signature"), &origin("sha256:1")).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"one");
    assert_eq!(fs::read_to_string(beside(&file)).unwrap(), "signature");
    assert_eq!(Origin::of(&file).unwrap().unwrap(), origin("sha256:1"));
    let text = fs::read_to_string(folder.path().join("x.wasm.from")).unwrap();
    assert_eq!(text, "ref = \"a.b/c:1\"\ndigest = \"sha256:1\"\nwhen = \"2026-01-01T00:00:00Z\"\n");
    assert_eq!(mode(&file), 0o644, "the controller may be another user");
    store(&file, b"two", None, &origin("sha256:2")).unwrap();
    assert_eq!(fs::read(&file).unwrap(), b"two");
    let names: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "no signature of the one before, and nothing temporary: {names:?}");
}

#[test]
fn what_cannot_be_written_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    write(&file, b"one").unwrap();
    // A folder in its place is not replaced by a rename.
    let taken = folder.path().join("taken");
    fs::create_dir(&taken).unwrap();
    assert!(write(&taken, b"two").is_err());
    assert!(matches!(
        store(&folder.path().join("nowhere/x.wasm"), b"two", None, &origin("x")),
        Err(PlaceError::File { what: "written", .. })
    ));
    assert_eq!(fs::read(&file).unwrap(), b"one");
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}

#[test]
fn a_secret_is_for_its_owner_and_never_written_over() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    write_secret(&file, b"one").unwrap();
    assert_eq!(mode(&file), 0o600);
    assert_eq!(write_secret(&file, b"two").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    assert_eq!(fs::read(&file).unwrap(), b"one");
}

#[test]
fn a_tag_that_moved_is_refused_by_both_digests() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("x.wasm");
    assert!(Origin::check_tag(&file, "a.b/c:1", "sha256:2").is_ok(), "it was never pulled");
    store(&file, b"one", None, &origin("sha256:1")).unwrap();
    assert!(Origin::check_tag(&file, "a.b/c:1", "sha256:1").is_ok());
    assert!(Origin::check_tag(&file, "a.b/c:2", "sha256:2").is_ok(), "another tag is another wish");
    let error = Origin::check_tag(&file, "a.b/c:1", "sha256:2").unwrap_err().to_string();
    assert_eq!(error, "the tag moved from sha256:1 to sha256:2: a.b/c:1");
    fs::write(Origin::file(&file), "nothing").unwrap();
    let error = Origin::check_tag(&file, "a.b/c:1", "sha256:1").unwrap_err().to_string();
    assert!(error.ends_with("x.wasm.from: expected ref, digest and when in TOML, found something else"), "{error}");
}
