/** The operations of the agent. A subclass says how one is asked for: `ask(op, args, options)`. */
export class Client {
  async check(options) {
    await this.ask("new", undefined, options);
  }

  storage(options) {
    return this.ask("storage", undefined, options);
  }

  backupDue(options) {
    return this.ask("backup-due", undefined, options);
  }

  startBackup(options) {
    return this.ask("start-backup", undefined, options);
  }

  backupStatus(options) {
    return this.ask("backup-status", undefined, options);
  }

  disks(options) {
    return this.ask("disks", undefined, options);
  }

  async assignDisk({ uuid, where, fstype, options = "" }, callOptions) {
    await this.ask("assign-disk", { uuid, where, fstype, options }, callOptions);
  }

  ejectDisk({ where }, options) {
    return this.ask("eject-disk", { where }, options);
  }

  formatDisk({ device, fstype, confirmed = false, durable_id = "" }, options) {
    return this.ask("format-disk", { device, fstype, confirmed, durable_id }, options);
  }

  hostMetrics(options) {
    return this.ask("host-metrics", undefined, options);
  }
}
