//! The rules of a reorder, without a store.

use aws_event_sourcing::given;

use super::{
    Reorder, ReorderError,
    ReorderEvent::{ReorderDelivered, ReorderRequested},
};

#[test]
fn a_reorder_is_requested_once_and_delivered_once() {
    let requested = || ReorderRequested { product: "p".into(), amount: 3 };
    given::<Reorder>([]).when([ReorderDelivered]).then_rejected(&ReorderError::NotRequested);
    given::<Reorder>([requested()]).when([requested()]).then_rejected(&ReorderError::Requested);
    given::<Reorder>([requested(), ReorderDelivered])
        .when([ReorderDelivered])
        .then_rejected(&ReorderError::Delivered);
}
