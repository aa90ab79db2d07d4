use super::*;

const NAME: &str = "x";

async fn set(entries: &mut Entries, store: &MemoryState, key: &str, bytes: usize) -> Result<(), EntryError> {
    entries.set(store, NAME, key, vec![0; bytes], Lasts::BeyondTheRun).await
}

#[tokio::test]
async fn what_is_set_is_read_back_listed_and_deleted_and_the_next_run_sees_it() {
    let store = MemoryState::default();
    let mut entries = Entries::default();
    for key in ["b/2", "a", "b/1", "c"] {
        set(&mut entries, &store, key, 3).await.unwrap();
    }
    assert_eq!(entries.keys(&store, NAME, "b/").await.unwrap(), ["b/1", "b/2"]);
    assert!(entries.delete(&store, NAME, "a", Lasts::BeyondTheRun).await.unwrap());
    assert!(!entries.delete(&store, NAME, "a", Lasts::BeyondTheRun).await.unwrap());

    let mut next = Entries::default();
    assert_eq!(next.keys(&store, NAME, "").await.unwrap(), ["b/1", "b/2", "c"]);
    assert_eq!(next.get(&store, NAME, "c").await.unwrap().unwrap(), [0; 3]);
    assert_eq!(next.get(&store, NAME, "a").await.unwrap(), None);
    assert!(Entries::default().keys(&store, "another", "").await.unwrap().is_empty(), "they do not mix");
}

#[tokio::test]
async fn a_change_within_the_run_is_read_back_and_not_stored() {
    let store = MemoryState::default();
    let mut entries = Entries::default();
    entries.set(&store, NAME, "a", vec![1], Lasts::WithinTheRun).await.unwrap();
    assert_eq!(entries.get(&store, NAME, "a").await.unwrap(), Some(vec![1]));
    assert!(store.of(NAME).is_empty());
}

#[tokio::test]
async fn every_bound_is_held_to_the_byte_and_what_is_refused_changes_nothing() {
    let store = MemoryState::default();
    let mut entries = Entries::default();
    set(&mut entries, &store, "a", MAX_STATE_VALUE_BYTES).await.unwrap();
    let error = set(&mut entries, &store, "a", MAX_STATE_VALUE_BYTES + 1).await.unwrap_err();
    assert!(
        matches!(&error, EntryError::TooLarge(what) if what == "a value of 65537 bytes; at most 65536"),
        "{error:?}"
    );

    // With fifteen more of the same size, keys included, one byte is too many: the key of the first.
    for key in 1..15 {
        set(&mut entries, &store, &format!("{key:02}"), MAX_STATE_VALUE_BYTES - 2).await.unwrap();
    }
    let error = set(&mut entries, &store, "15", MAX_STATE_VALUE_BYTES - 2).await.unwrap_err();
    let expected = "1048577 bytes of keys and values; at most 1048576";
    assert!(matches!(&error, EntryError::TooLarge(what) if what == expected), "{error:?}");
    set(&mut entries, &store, "15", MAX_STATE_VALUE_BYTES - 3).await.unwrap();
    set(&mut entries, &store, "15", MAX_STATE_VALUE_BYTES - 3).await.unwrap();
    assert_eq!(store.of(NAME).iter().map(|(key, value)| key.len() + value.len()).sum::<usize>(), MAX_STATE_BYTES);
}

#[tokio::test]
async fn keys_are_counted_too() {
    let store = MemoryState::default();
    store.replace(NAME, (0..MAX_STATE_KEYS).map(|key| (key.to_string(), Vec::new())).collect());
    let mut entries = Entries::default();
    let error = set(&mut entries, &store, "one more", 0).await.unwrap_err();
    assert!(matches!(&error, EntryError::TooLarge(what) if what == "4097 keys; at most 4096"), "{error:?}");
    set(&mut entries, &store, "7", 1).await.unwrap();
}

#[tokio::test]
async fn a_key_that_cannot_be_shown_is_refused() {
    let store = MemoryState::default();
    for (key, found) in [("", "an empty one"), ("a\n", "a control character"), (&*"k".repeat(257), "257 bytes")] {
        let error = set(&mut Entries::default(), &store, key, 1).await.unwrap_err();
        assert!(matches!(&error, EntryError::InvalidKey(why) if why.ends_with(found)), "{error:?}");
    }
    set(&mut Entries::default(), &store, &"k".repeat(256), 1).await.unwrap();
}
