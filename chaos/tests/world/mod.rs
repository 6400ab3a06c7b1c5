//! [`World`]: all that there is in a shop, and what was handled of it.
#![allow(dead_code, reason = "each test crate uses a part of it")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use serde_json::Value;
use testbed::Client;

/// All that there is: histories, and what was handled of them.
#[derive(Debug, PartialEq)]
pub(crate) struct World {
    products: BTreeMap<String, Vec<Value>>,
    reorders: BTreeMap<String, Vec<Value>>,
    /// By subscription and resource: the numbers in the order in which they were handled.
    ledger: BTreeMap<(String, String), Vec<u64>>,
}

impl World {
    pub(crate) async fn look(client: &Client, folder: &Path) -> Self {
        let ledger = fs::read_to_string(folder.join("ledger")).expect("a ledger");
        let mut handled: BTreeMap<_, Vec<u64>> = BTreeMap::new();
        for line in ledger.lines() {
            let [subscription, id, number] = line.split(' ').collect::<Vec<_>>()[..] else {
                panic!("a line in pieces: {line:?}");
            };
            let number = number.parse().expect("a number");
            handled.entry((subscription.to_owned(), id.to_owned())).or_default().push(number);
        }
        Self {
            products: histories(client, "/products").await,
            reorders: histories(client, "/reorders").await,
            ledger: handled,
        }
    }

    /// How often the event was handled that was handled most often.
    pub(crate) fn most_often(&self) -> usize {
        let times = |handled: &Vec<u64>| {
            handled.iter().map(|number| handled.iter().filter(|it| *it == number).count()).max()
        };
        self.ledger.values().filter_map(times).max().unwrap_or_default()
    }

    fn of(&self, subscription: &str) -> &BTreeMap<String, Vec<Value>> {
        if subscription == "reorders" { &self.products } else { &self.reorders }
    }

    /// Whether the last event of each resource was handled, whatever is with the doomed one.
    pub(crate) fn is_at_rest_but(&self, doomed: &str) -> bool {
        ["reorders", "restocks"].into_iter().all(|subscription| {
            self.of(subscription).iter().filter(|(id, _)| *id != doomed).all(|(id, events)| {
                let handled = self.ledger.get(&(subscription.to_owned(), id.clone()));
                handled.is_some_and(|handled| handled.contains(&(events.len() as u64)))
            })
        })
    }

    pub(crate) fn check(&self) {
        for ((subscription, id), handled) in &self.ledger {
            let (mut last, length) = (0, self.of(subscription)[id].len() as u64);
            for number in handled {
                assert!(*number <= last + 1, "{subscription} {id}: {number} came before {}", last + 1);
                last = last.max(*number);
            }
            assert_eq!(last, length, "{subscription} {id}");
        }

        let requested: Vec<_> = self.reorders.values().map(|events| cause(&events[0])).collect();
        let once: BTreeSet<_> = requested.iter().cloned().collect();
        assert_eq!(requested.len(), once.len(), "a product was reordered twice");
        assert_eq!(once, self.sold_out(), "reorders and sell-outs");

        let restocks = self.products.values().flatten().filter(|event| cause(event).starts_with("restocks/"));
        let restocks: Vec<_> = restocks.map(cause).collect();
        let once: BTreeSet<_> = restocks.iter().cloned().collect();
        assert_eq!(restocks.len(), once.len(), "a product was restocked twice");
        assert_eq!(once, self.delivered(), "restocks and deliveries");
    }

    /// What the reorders have to have as their causes.
    pub(crate) fn sold_out(&self) -> BTreeSet<String> {
        let mut sold_out = BTreeSet::new();
        for (id, events) in &self.products {
            let mut quantity = 0;
            for event in events {
                match event["type"].as_str() {
                    Some("ProductReserved") => {
                        quantity -= 1;
                        if quantity == 0 {
                            sold_out.insert(format!("reorders/{id}/{}", event["number"]));
                        }
                    }
                    _ => quantity += event["data"]["amount"].as_i64().expect("an amount"),
                }
            }
        }
        sold_out
    }

    /// What the restocks have to have as their causes.
    pub(crate) fn delivered(&self) -> BTreeSet<String> {
        let delivered = self.reorders.iter().filter(|(_, events)| events.len() > 1);
        delivered.map(|(id, _)| format!("restocks/{id}/2")).collect()
    }
}

/// The key of what a handler has committed is its cause.
fn cause(event: &Value) -> String {
    event["commit"].as_str().expect("a commit").to_owned()
}

/// The histories of all resources under a path.
async fn histories(client: &Client, path: &str) -> BTreeMap<String, Vec<Value>> {
    let mut histories = BTreeMap::new();
    for resource in client.get(path).await.body.as_array().expect("a list") {
        let id = resource["id"].as_str().expect("an id");
        let events = client.get(&format!("{path}/{id}/events")).await;
        histories.insert(id.to_owned(), events.body.as_array().expect("a list").clone());
    }
    histories
}
