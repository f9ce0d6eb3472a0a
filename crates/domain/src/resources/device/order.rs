//! The order of a user's active devices. The first is the default one; without an order the user
//! chooses each time.

use schemars::JsonSchema;
use serde::Deserialize;

use super::Device;
use crate::{
    id::{Id, Ref},
    resource::{Resource, Stored},
    violation::Violation,
};

/// `devices.reorder+json`.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
pub struct ReorderDraft {
    pub order: Vec<Ref<Device>>,
}

type Order = Option<Vec<Id<Device>>>;

/// A device that became active goes last.
#[must_use]
pub fn with(order: Order, device: Id<Device>) -> Order {
    let mut order = without(order, device)?;
    order.push(device);
    Some(order)
}

/// When the first goes, the second is the default.
#[must_use]
pub fn without(order: Order, device: Id<Device>) -> Order {
    let mut order = order?;
    order.retain(|&other| other != device);
    Some(order)
}

/// The order that a user wants, which must name every active device once.
pub fn reordered(
    draft: &ReorderDraft,
    active: &[Id<Device>],
) -> Result<Vec<Id<Device>>, Violation> {
    let wanted: Vec<_> = draft.order.iter().map(|device| device.id).collect();
    let mut sorted = wanted.clone();
    sorted.sort_unstable();
    let mut expected = active.to_vec();
    expected.sort_unstable();
    if sorted == expected {
        Ok(wanted)
    } else {
        Err(Violation::invalid(
            "order",
            "must name each active device once, and no other",
        ))
    }
}

/// Sorts a user's devices: those of the order first, then the others by activation.
pub fn arrange(devices: &mut [Stored<Device>], order: Option<&[Id<Device>]>) {
    Device::arrange(devices);
    if let Some(order) = order {
        devices.sort_by_key(|device| {
            order
                .iter()
                .position(|&id| id == device.id)
                .unwrap_or(usize::MAX)
        });
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn id(number: u8) -> Id<Device> {
        Id::from_uuid(Uuid::from_u128(number.into()))
    }

    fn draft(order: &[u8]) -> ReorderDraft {
        ReorderDraft {
            order: order.iter().map(|&number| Ref::from(id(number))).collect(),
        }
    }

    #[test]
    fn an_order_names_every_active_device_once() {
        let active = [id(1), id(2), id(3)];
        assert_eq!(
            reordered(&draft(&[3, 1, 2]), &active),
            Ok(vec![id(3), id(1), id(2)])
        );
        for wrong in [&[1, 2][..], &[1, 2, 3, 4], &[1, 2, 2], &[1, 2, 4], &[]] {
            assert_eq!(
                reordered(&draft(wrong), &active).unwrap_err().target,
                "order",
                "{wrong:?}"
            );
        }
    }

    #[test]
    fn without_an_order_devices_come_and_go_and_there_still_is_none() {
        assert_eq!(with(None, id(1)), None);
        assert_eq!(without(None, id(1)), None);
    }

    #[test]
    fn deleting_the_default_promotes_the_second() {
        assert_eq!(without(Some(vec![id(1), id(2)]), id(1)), Some(vec![id(2)]));
    }

    #[derive(Debug, Clone)]
    enum Change {
        Activate(u8),
        Delete(u8),
        Reverse,
    }

    fn changes() -> impl Strategy<Value = Vec<Change>> {
        let change = prop_oneof![
            (0..8_u8).prop_map(Change::Activate),
            (0..8_u8).prop_map(Change::Delete),
            Just(Change::Reverse),
        ];
        proptest::collection::vec(change, 0..40)
    }

    proptest! {
        #[test]
        fn the_order_holds_exactly_the_active_devices(changes in changes()) {
            let mut active = BTreeSet::new();
            let mut order = Some(Vec::new());
            for change in changes {
                match change {
                    Change::Activate(number) => {
                        active.insert(number);
                        order = with(order, id(number));
                        prop_assert_eq!(order.as_ref().unwrap().last(), Some(&id(number)));
                    }
                    Change::Delete(number) => {
                        active.remove(&number);
                        order = without(order, id(number));
                    }
                    Change::Reverse => {
                        let wanted: Vec<_> = active.iter().rev().copied().collect();
                        let all: Vec<_> = active.iter().map(|&number| id(number)).collect();
                        order = Some(reordered(&draft(&wanted), &all).unwrap());
                    }
                }
                let mut held = order.clone().unwrap();
                held.sort_unstable();
                prop_assert_eq!(held, active.iter().map(|&number| id(number)).collect::<Vec<_>>());
            }
        }
    }
}
