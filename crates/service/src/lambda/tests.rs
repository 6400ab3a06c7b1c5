//! The documented events of queues, topics and EventBridge, and the answers to them.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use aws_event_sourcing_core::{TraceParent, subscription::Failure};
use serde_json::{Value, json};

use super::{
    BusEvent, Handlers, Message,
    fixture::{Fixture, event},
};

/// What handlers got, in order.
#[derive(Clone, Default)]
struct Seen(Arc<Mutex<Vec<String>>>);

impl Seen {
    fn note(&self, what: impl Into<String>) {
        self.0.lock().unwrap().push(what.into());
    }

    fn all(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap())
    }
}

/// Fails and panics over what says so.
fn picky(seen: &Seen) -> impl Fn(Message) -> std::future::Ready<Result<(), Failure>> + use<> {
    let seen = seen.clone();
    move |message| {
        seen.note(&message.body);
        match message.body.split(' ').next() {
            Some("bad") => std::future::ready(Err(Failure::retry("bad"))),
            Some("panic") => panic!("as it says"),
            _ => std::future::ready(Ok(())),
        }
    }
}

fn failures(ids: &[&str]) -> Value {
    let items: Vec<_> = ids.iter().map(|id| json!({ "itemIdentifier": id })).collect();
    json!({ "batchItemFailures": items })
}

#[tokio::test]
async fn of_a_queue_only_what_failed_comes_again() {
    let seen = Seen::default();
    let function = Fixture::of_handlers(|handlers| handlers.on_queue("orders", picky(&seen)));
    let bad = "2e1424d4-f796-459a-8184-9c92662be6da";
    for (body, failed) in [("bad 2", &[bad][..]), ("panic 2", &[bad]), ("ok 2", &[])] {
        let mut batch = event("sqs");
        batch["Records"][1]["body"] = body.into();
        assert_eq!(function.answer(&batch).await.unwrap(), failures(failed));
        assert_eq!(seen.all(), ["ok 1", body, "ok 3"]);
    }
}

#[tokio::test]
async fn of_a_fifo_queue_all_of_a_group_behind_a_failure_come_again() {
    let seen = Seen::default();
    let function = Fixture::of_handlers(|handlers| handlers.on_queue("orders.fifo", picky(&seen)));
    let failed = ["9a8b7c6d-5e4f-4a3b-8c2d-1e0f9a8b7c6d", "7e6d5c4b-3a29-4817-a605-f4e3d2c1b0a9"];
    assert_eq!(function.answer(&event("sqs-fifo")).await.unwrap(), failures(&failed));
    let seen = seen.all();
    let of_group = |numbers: &[&str]| {
        let of = seen.iter().filter(|body| numbers.iter().any(|number| body.ends_with(number)));
        of.map(String::as_str).collect::<Vec<_>>()
    };
    assert_eq!(
        (of_group(&["1", "2", "4"]), of_group(&["3", "5"])),
        (vec!["ok 1", "bad 2"], vec!["ok 3", "ok 5"])
    );
}

#[tokio::test(start_paused = true)]
async fn what_there_is_no_time_for_comes_again() {
    let slow = async |_: Message| {
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(())
    };
    let function = Fixture::of_handlers(|handlers| {
        handlers.on_queue("orders", slow);
        handlers.on_queue("orders.fifo", slow);
    });
    // Side by side: all are done in time, or none.
    let ids = |batch: &Value| {
        let records = batch["Records"].as_array().unwrap().iter();
        records.map(|record| record["messageId"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    let batch = event("sqs");
    let answer = function.answer_within(Duration::from_millis(2_600), &batch).await.unwrap();
    assert_eq!(answer, failures(&[]));
    let answer = function.answer_within(Duration::from_millis(2_400), &batch).await.unwrap();
    let all = ids(&batch);
    assert_eq!(answer["batchItemFailures"].as_array().unwrap().len(), all.len());

    // One after the other: two seconds each, of which five have time for two.
    let batch = event("sqs-fifo");
    let all = ids(&batch);
    let answer = function.answer_within(Duration::from_secs(5), &batch).await.unwrap();
    assert_eq!(answer, failures(&[&all[3]]));
    let answer = function.answer_within(Duration::from_secs(3), &batch).await.unwrap();
    assert_eq!(answer, failures(&[&all[1], &all[3], &all[4]]));
}

#[tokio::test]
async fn a_message_has_all_that_the_queue_says_of_it() {
    let messages = Arc::new(Mutex::new(Vec::new()));
    let note = {
        let messages = messages.clone();
        move |message: Message| {
            let messages = messages.clone();
            async move {
                messages.lock().unwrap().push((message, TraceParent::current().unwrap().trace_id()));
                Ok(())
            }
        }
    };
    let function = Fixture::of_handlers(|handlers| {
        handlers.on_queue("orders", note.clone());
        handlers.on_queue("orders.fifo", note.clone());
        handlers.on_topic("alerts", note);
    });
    for name in ["sqs", "sqs-fifo", "sns"] {
        function.answer(&event(name)).await.unwrap();
    }
    let messages = messages.lock().unwrap();
    let (first, trace) = &messages[0];
    assert_eq!(first.cause(), "queue/orders/059f36b4-87a3-44ab-83d2-661975830a7d");
    assert_eq!((&*first.body, first.receive_count), ("ok 1", 1));
    assert_eq!(first.sent_at.to_string(), "2018-12-17T21:37:29.183Z");
    assert_eq!(first.attributes["tenant"], "acme");
    assert_eq!(first.attributes["key"], "AAH/");
    assert_eq!(trace, "5759e988bd862e3fe1be46a994272793");
    assert_eq!(first.trace.trace_id(), *trace);
    assert_eq!(messages[1].0.receive_count, 3);
    assert_eq!(messages[1].0.trace.trace_id(), messages[1].1);

    let fifo =
        messages.iter().find(|(message, _)| message.body == "bad 2" && message.deduplication_id.is_some());
    let (fifo, _) = fifo.unwrap();
    assert_eq!((fifo.group.as_deref(), fifo.deduplication_id.as_deref()), (Some("a"), Some("d-2")));

    let (alert, _) = messages.last().unwrap();
    assert_eq!(alert.cause(), "topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e");
    assert_eq!((&*alert.body, alert.subject.as_deref()), ("Hello from SNS!", Some("TestInvoke")));
    assert_eq!(alert.sent_at.to_string(), "2019-01-02T12:45:07.000Z");
    assert_eq!(alert.attributes["Test"], "TestString");
}

#[tokio::test]
async fn schedules_are_handled_by_their_name_and_events_by_their_detail_type() {
    let seen = Seen::default();
    let note = {
        let seen = seen.clone();
        move |event: BusEvent| {
            seen.note(format!("{} of {} at {}: {}", event.cause(), event.source, event.at, event.detail));
            std::future::ready(Ok(()))
        }
    };
    let function = Fixture::of_handlers(|handlers| {
        handlers.on_schedule("nightly", note.clone());
        handlers.on_event("order.placed", note);
    });
    for name in ["event-bridge-schedule", "scheduler", "event-bridge"] {
        assert_eq!(function.answer(&event(name)).await.unwrap(), Value::Null, "{name}");
    }
    let id = "53dc4d37-cffa-4f76-80c9-8b7d4a4d2eaa";
    let at = "2015-10-08T16:53:06.000Z";
    let order = r#"{"amount":18446744073709551615,"order":"o-1"}"#;
    assert_eq!(
        seen.all(),
        [
            format!("schedule/nightly/{at} of aws.events at {at}: {{}}"),
            format!("schedule/default/nightly/{at} of aws.scheduler at {at}: \"{{}}\""),
            format!("event/order.placed/{id} of com.example.orders at {at}: {order}"),
        ]
    );
}

#[tokio::test]
async fn a_failure_that_cannot_be_told_apart_fails_the_invocation() {
    let seen = Seen::default();
    let function = Fixture::of_handlers(|handlers| {
        handlers.on_topic("alerts", picky(&seen));
        handlers.on_schedule("nightly", |_| async { Err(Failure::retry("the moon is up")) });
    });
    let mut alert = event("sns");
    alert["Records"][0]["Sns"]["Message"] = "panic now".into();
    assert_eq!(
        function.answer(&alert).await,
        Err("topic/alerts/95df01b4-ee98-5cb9-9903-4c221d41eb5e was not handled: the handler panicked: as it says"
            .to_owned())
    );
    assert_eq!(
        function.answer(&event("scheduler")).await,
        Err("schedule/default/nightly/2015-10-08T16:53:06.000Z was not handled: the moon is up".to_owned())
    );
}

#[tokio::test]
async fn what_nothing_handles_is_named() {
    let function = Fixture::of_handlers(|handlers| handlers.on_schedule("noon", async |_| Ok(())));
    for (name, what) in [
        ("sqs", r#"messages of the queue "orders": the service has no `on_queue` of that name"#),
        ("sqs-fifo", r#"messages of the queue "orders.fifo": the service has no `on_queue` of that name"#),
        ("sns", r#"messages of the topic "alerts": the service has no `on_topic` of that name"#),
        ("event-bridge-schedule", r#"the schedule "nightly": the service has no `on_schedule` of that name"#),
        ("scheduler", r#"the schedule "nightly": the service has no `on_schedule` of that name"#),
        (
            "event-bridge",
            r#"the event "order.placed" of "com.example.orders": the service has no `on_event` of that name"#,
        ),
    ] {
        assert_eq!(function.answer(&event(name)).await, Err(format!("no handler for {what}")));
    }
}

#[tokio::test]
async fn what_keeps_a_function_warm_is_answered() {
    let function = Fixture::of_handlers(|_| {});
    assert_eq!(function.answer(&event("warm-up")).await, Ok(Value::Null));
    assert_eq!(function.answer(&json!({})).await, Ok(Value::Null));
    for name in ["event-bridge-schedule", "scheduler"] {
        assert_eq!(function.answer(&event(name)).await, Ok(Value::Null), "{name}");
        // What somebody has written into the target is for somebody.
        let mut order = event(name);
        order["detail"] = json!({ "order": 1 });
        let error = function.answer(&order).await.unwrap_err();
        assert!(error.starts_with("no handler for the schedule"), "{error}");
    }
}

#[tokio::test]
async fn what_cannot_be_read_is_an_error_that_says_why() {
    let function = Fixture::of_handlers(|_| {});
    for (name, place, why) in [
        ("sqs", "/Records/2/body", "messages of a queue: invalid type: null, expected a string"),
        ("sns", "/Records/0/Sns/Timestamp", "messages of a topic: invalid type: null"),
        ("event-bridge", "/time", "an event of EventBridge: invalid type: null"),
        ("dynamodb", "/Records/0/dynamodb/NewImage/at/S", "records of a stream: invalid type: null"),
    ] {
        let mut event = event(name);
        *event.pointer_mut(place).unwrap() = Value::Null;
        let error = function.answer(&event).await.unwrap_err();
        assert!(error.starts_with(&format!("cannot read {why}")), "{error}");
    }
}

#[test]
#[should_panic(expected = "there is a handler for the queue \"orders\" already")]
fn a_queue_has_one_handler() {
    let mut handlers = Handlers::default();
    for _ in 0..2 {
        handlers.on_queue("orders", async |_| Ok(()));
    }
}

#[test]
#[should_panic(expected = "is no name: `orders`, and not its ARN or URL")]
fn an_arn_is_no_name() {
    Handlers::default().on_queue("arn:aws:sqs:us-east-2:123456789012:orders", async |_| Ok(()));
}
