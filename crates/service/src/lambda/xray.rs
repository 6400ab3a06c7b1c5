//! Traces as X-Ray writes them in headers, and as W3C does.

use aws_event_sourcing_core::TraceParent;

/// The trace of an [X-Ray header](https://docs.aws.amazon.com/xray/latest/devguide/xray-concepts.html#xray-concepts-tracingheader)
/// such as `Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1`. The numbers are the same in both.
///
/// A load balancer or an API that begins a trace names no parent: the last half of the trace's own id stands for it.
pub(super) fn trace(header: &str) -> Option<TraceParent> {
    let fields = || header.split(';').filter_map(|field| field.trim().split_once('='));
    let field = |name: &str| fields().find_map(|(known, value)| (known == name).then_some(value));
    let (seconds, random) = field("Root")?.strip_prefix("1-")?.split_once('-')?;
    let parent = field("Parent").or_else(|| random.get(8..))?;
    let flags = if field("Sampled") == Some("1") { "01" } else { "00" };
    format!("00-{seconds}{random}-{parent}-{flags}").to_ascii_lowercase().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(header: &str) -> Option<String> {
        trace(header).map(|trace| trace.to_string())
    }

    #[test]
    fn the_ids_are_the_same_in_both_forms() {
        assert_eq!(
            written(
                "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=1:a87bd80c:0"
            ),
            Some("00-5759e988bd862e3fe1be46a994272793-53995c3f42cd8ad8-01".into())
        );
        assert_eq!(
            written("Self=1-67891234-12456789abcdef012345678a; Root=1-67891233-ABCDEF012345678912345678"),
            Some("00-67891233abcdef012345678912345678-2345678912345678-00".into())
        );
    }

    #[test]
    fn what_is_no_trace_is_none() {
        for header in [
            "",
            "Root=",
            "Root=1-5759e988",
            "Root=2-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8",
            "Root=1-5759e988-bd86;Parent=53995c3f42cd8ad8;Sampled=1",
            "Root=1-5759e988-bd862e3fe1be46a99427279ü",
            "Parent=53995c3f42cd8ad8;Sampled=1",
        ] {
            assert_eq!(written(header), None, "{header}");
        }
    }
}
