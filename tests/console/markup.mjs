// An agent that writes markup wherever it may write a text.
export const MARKUP = `"'><img data-attack src=x onerror="window.taken=1"><script>window.taken=1</script>`;

const disk = (role, number) => ({
  name: MARKUP,
  type: MARKUP,
  state: MARKUP,
  backing_device: `/dev/${MARKUP}${number}`,
  mount_path: `/mnt/${MARKUP}${number}`,
  class: MARKUP,
  role,
  data_bearing: true,
  data_reason: MARKUP,
  total_bytes: 1_000_000_000_000,
  used_bytes: 750_000_000_000,
  used_fraction: 0.75,
  durable_id: `uuid:${MARKUP}${number}`,
});

export const scenario = {
  backup: { due: true, reason: MARKUP, failure: MARKUP },
  disks: [disk("system", 1), disk("backup", 2), disk("user-data", 3), disk(MARKUP, 4)],
  storage_targets: [
    {
      name: MARKUP,
      type: MARKUP,
      state: MARKUP,
      reachable: true,
      total_bytes: 1000,
      used_bytes: 900,
      avail_bytes: 100,
      used_fraction: 0.9,
      content: MARKUP,
      mount_path: MARKUP,
      class_hint: MARKUP,
      smart: { health: MARKUP },
    },
  ],
};
