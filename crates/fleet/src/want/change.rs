//! Changes of wishes, by compare-and-set.

use crate::bus::{Bus, BusError, Expect, Table};
use crate::want::{Want, Whose};

/// Changes a wish on the bus by compare-and-set, and gives it a greater number than it had, and than guests have seen.
///
/// # Errors
///
/// [`BusError`]; [`BusError::Unusable`] for a wish that is not possible.
pub async fn change(bus: &dyn Bus, whose: &Whose, seen: u64, change: impl Fn(&mut Want)) -> Result<Want, BusError> {
    let mut left = ATTEMPTS;
    loop {
        let mut draft = Draft::read(bus, whose).await?;
        change(&mut draft.want);
        if draft.is_as_before() && draft.want.number >= seen && draft.want.number > 0 {
            return Ok(draft.want);
        }
        left -= 1;
        match draft.write(bus, seen).await {
            Err(BusError::Changed { .. }) if left > 0 => {}
            outcome => return outcome,
        }
    }
}

/// Writes a wish once more as it is, with a greater number: whoever has read it and is about to write finds it changed.
pub(crate) async fn rewrite(bus: &dyn Bus, whose: &Whose, seen: u64) -> Result<(), BusError> {
    let mut left = ATTEMPTS;
    loop {
        left -= 1;
        match Draft::read(bus, whose).await?.write(bus, seen).await {
            Err(BusError::Changed { .. }) if left > 0 => {}
            outcome => return outcome.map(drop),
        }
    }
}

/// A wish between being read and being written.
pub(crate) struct Draft {
    pub(crate) want: Want,
    whose: Whose,
    before: Want,
    expect: Expect,
}

impl Draft {
    pub(crate) async fn read(bus: &dyn Bus, whose: &Whose) -> Result<Self, BusError> {
        let entry = bus.get(Table::Want, &whose.key()).await?;
        let expect = entry.as_ref().map_or(Expect::Nothing, |entry| Expect::Revision(entry.revision));
        // One that cannot be read is of no use to a guest.
        let want = entry.and_then(|entry| Want::read(&entry).ok()).unwrap_or_default();
        Ok(Self { before: want.clone(), want, whose: whose.clone(), expect })
    }

    pub(crate) fn is_as_before(&self) -> bool {
        self.want == self.before
    }

    pub(crate) async fn write(mut self, bus: &dyn Bus, seen: u64) -> Result<Want, BusError> {
        self.want.check().map_err(|why| BusError::Unusable(why.to_string()))?;
        self.want.number = self.want.number.max(seen) + 1;
        let value = serde_json::to_vec(&self.want).unwrap_or_default();
        bus.put(Table::Want, &self.whose.key(), value.into(), self.expect).await?;
        Ok(self.want)
    }
}

/// How often it is tried anew where others change the same wish.
const ATTEMPTS: u32 = 10;
