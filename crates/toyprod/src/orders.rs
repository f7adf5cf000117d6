//! The orders themselves: made up, but with the shape and cost of real ones.

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;

/// What can be ordered: name and price in cents.
const CATALOGUE: [(&str, u32); 8] = [
    ("filter coffee", 320),
    ("espresso", 260),
    ("flat white", 390),
    ("green tea", 310),
    ("almond croissant", 345),
    ("cheese toastie", 650),
    ("porridge", 520),
    ("fruit salad", 485),
];

/// One order as `/orders` lists it.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct Order {
    /// Never given twice by one process.
    id: u64,
    item: &'static str,
    /// In whole currency units, two decimals.
    price: f64,
}

/// Where order numbers come from.
#[derive(Debug, Default)]
pub(crate) struct Orders {
    taken: AtomicU64,
}

impl Orders {
    /// The next `count` orders.
    pub(crate) fn take(&self, count: u16) -> Vec<Order> {
        let first = self.taken.fetch_add(u64::from(count), Ordering::Relaxed) + 1;
        let mut orders = Vec::with_capacity(usize::from(count));
        for (id, (item, cents)) in (first..).zip(CATALOGUE.into_iter().cycle()).take(usize::from(count)) {
            orders.push(Order { id, item, price: f64::from(cents) / 100.0 });
        }
        orders
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn order_numbers_are_never_given_twice() {
        let orders = Orders::default();
        let ids: HashSet<u64> = orders.take(5).iter().chain(&orders.take(7)).map(|order| order.id).collect();
        assert_eq!(ids.len(), 12);
    }

    #[test]
    fn prices_have_at_most_two_decimals_on_the_wire() {
        for order in Orders::default().take(8) {
            let price = serde_json::to_value(&order).unwrap()["price"].to_string();
            let decimals = price.split_once('.').unwrap().1;
            assert!(decimals.len() <= 2, "{price}");
        }
    }
}
