//! Runs in which a user of the API has a disk wiped. They are on no schedule, and there is one at a time for each device.

use crate::action::Refusal;
use crate::actor::Actor;
use crate::approval::WipeOrder;
use crate::config::extension::WIPE;
use crate::owner::Owner;
use crate::owner::answers::Reply;
use crate::owner::task::{Activation, Why};
use crate::run::AskedWipe;

impl Owner {
    pub(super) fn wipe(&mut self, order: WipeOrder, actor: Actor, reply: Reply) {
        let open = self.runs.iter().find(|run| run.claim.wipes.as_ref() == Some(&order.device));
        if let Some(open) = open {
            let refusal = Refusal::WipeIsOpen { device: order.device, run: open.run };
            return drop(reply.send(Err(refusal)));
        }
        let activation = Activation {
            subject: WIPE.into(),
            // No extension asks. Whoever does is what the approval is bound to.
            digest: actor.to_string(),
            why: Why::asked(&actor),
            wipe: Some(AskedWipe { order, asked_by: actor }),
        };
        let may_freeze = false;
        self.queue(activation, may_freeze, Some(reply));
    }
}
