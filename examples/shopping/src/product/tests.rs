//! The rules of a product, without a store.

use aws_event_sourcing::given;

use super::{
    MOST_AT_ONCE, Product, ProductError,
    ProductEvent::{ProductReserved, ProductRestocked},
    Status, reservations,
};

#[test]
fn a_product_is_available_until_the_last_one_is_bought() {
    given::<Product>([])
        .when([ProductRestocked { amount: 2 }, ProductReserved])
        .then_state(&Product { status: Status::Available, quantity: 1 });
    given::<Product>([ProductRestocked { amount: 2 }, ProductReserved])
        .when([ProductReserved])
        .then_state(&Product { status: Status::SoldOut, quantity: 0 });
}

#[test]
fn nobody_buys_what_is_not_there() {
    given::<Product>([]).when([ProductReserved]).then_rejected(&ProductError::SoldOut);
    given::<Product>([ProductRestocked { amount: 2 }])
        .decide(|_| reservations(3))
        .then_rejected(&ProductError::SoldOut);
}

#[test]
fn amounts_have_bounds() {
    given::<Product>([]).when([ProductRestocked { amount: 0 }]).then_rejected(&ProductError::NoAmount);
    given::<Product>([ProductRestocked { amount: u32::MAX }])
        .when([ProductRestocked { amount: 1 }])
        .then_rejected(&ProductError::StockFull);
    given::<Product>([ProductRestocked { amount: u32::MAX }])
        .decide(|_| reservations(MOST_AT_ONCE + 1))
        .then_rejected(&ProductError::TooMany);
    given::<Product>([ProductRestocked { amount: 1 }])
        .decide(|_| reservations(0))
        .then_rejected(&ProductError::NoAmount);
}
