//! Voice servers of one's own with a GPU: what they say of its memory, in the Prometheus text of `GET /metrics`
//! (`gpu_memory_bytes{state="used"}` and `{state="free"}`, one line for each GPU).

use std::time::Duration;

use reqwest::Method;
use vox_egress::{Egress, Failure, FailureClass, http_failure, secret_header};
use vox_shared::catalogue::Vendor;
use vox_shared::egress::HostRules;
use vox_shared::model::bot::ApiKey;

/// The metric as such a server names it.
const NAME: &str = "gpu_memory_bytes";
const DEADLINE: Duration = Duration::from_secs(5);
/// Of the page, bytes.
const MAX_PAGE: usize = 512 * 1024;

/// The memory of a server's GPUs together, bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    pub used: u64,
    pub free: u64,
}

/// Ask a server; `None` when it does not say.
pub async fn memory(
    egress: &Egress,
    rules: &HostRules,
    (vendor, base_url): (&Vendor, &str),
    key: &ApiKey,
) -> Result<Option<Memory>, Failure> {
    let no_address = || Failure::new(FailureClass::Refused, "no address");
    let url = vendor.http_url(Some(base_url), &["metrics"]).ok_or_else(no_address)?;
    let mut request = egress.request_under(rules, Method::GET, url)?.timeout(DEADLINE);
    if !key.is_empty() {
        let value = format!("Bearer {}", key.expose().trim());
        request = request.header("authorization", secret_header(vendor.name, &value)?);
    }
    let mut response = request.send().await.map_err(http_failure)?;
    if !response.status().is_success() {
        return Ok(None);
    }
    let mut page = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(http_failure)? {
        page.extend_from_slice(&piece);
        if page.len() > MAX_PAGE {
            return Err(Failure::new(FailureClass::Malformed, "a page of metrics that is too long"));
        }
    }
    Ok(read(&String::from_utf8_lossy(&page)))
}

/// What a page says.
fn read(page: &str) -> Option<Memory> {
    let (mut memory, mut is_told) = (Memory::default(), false);
    for line in page.lines() {
        let Some((labels, value)) = line.trim().strip_prefix(NAME).and_then(|rest| {
            let (labels, value) = rest.strip_prefix('{')?.split_once('}')?;
            Some((labels, value.split_whitespace().next()?))
        }) else {
            continue;
        };
        let Some(bytes) = value.parse::<f64>().ok().filter(|bytes| bytes.is_finite() && *bytes >= 0.0) else {
            continue;
        };
        let has = |state: &str| labels.split(',').any(|label| label.trim() == format!("state=\"{state}\""));
        let sum = match () {
            () if has("used") => &mut memory.used,
            () if has("free") => &mut memory.free,
            () => continue,
        };
        *sum = sum.saturating_add(bytes as u64);
        is_told = true;
    }
    is_told.then_some(memory)
}

/// A server as the metrics name it: host and port.
pub fn label(base_url: &str) -> Option<String> {
    let url = url::Url::parse(base_url.trim()).ok()?;
    let port = url.port_or_known_default()?;
    Some(format!("{}:{port}", url.host_str()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_summed_over_gpus() {
        let page = "# TYPE gpu_memory_bytes gauge\n\
            gpu_memory_bytes{gpu=\"0\",state=\"used\"} 3.5e9 1700000000\n\
            gpu_memory_bytes{state=\"free\", gpu=\"0\"} 500000000\n\
            gpu_memory_bytes{gpu=\"1\",state=\"used\"} 1e9\n\
            gpu_memory_bytes{gpu=\"1\",state=\"free\"} NaN\n\
            gpu_memory_bytes{gpu=\"1\",state=\"reserved\"} 7\n\
            gpu_memory_bytes_max{state=\"used\"} 9\n";
        assert_eq!(read(page), Some(Memory { used: 4_500_000_000, free: 500_000_000 }));
        for page in ["", "up 1\n", "gpu_memory_bytes 3\n", "gpu_memory_bytes{state=\"used\"}\n"] {
            assert_eq!(read(page), None, "{page}");
        }
    }

    #[test]
    fn a_server_is_named_by_host_and_port() {
        assert_eq!(label("http://10.0.0.7:8004/v1").as_deref(), Some("10.0.0.7:8004"));
        assert_eq!(label(" https://voice.example.com ").as_deref(), Some("voice.example.com:443"));
        assert_eq!(label("voice"), None);
    }
}
