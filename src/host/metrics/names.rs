// SPDX-License-Identifier: LGPL-2.1-or-later
//! What hosts are called in metrics.
//!
//! A name must not depend on whether the host answers, or its series would change when it comes
//! back. So it is made of the URI, not of what the host says.

use std::collections::HashMap;
use std::sync::Arc;

/// For each URI the name of its server, or of this machine where it has none; an alias is its own
/// name. Where that would be the name of two, it is the whole URI. So only the same URIs have the
/// same name.
pub fn labels(uris: impl Iterator<Item = String>) -> Vec<Arc<str>> {
    let hosts: Vec<(String, String)> = uris.map(|uri| (server(&uri), uri)).collect();
    let mut count = HashMap::new();
    for (server, _) in &hosts {
        *count.entry(server.clone()).or_insert(0) += 1;
    }
    let label = |(server, uri)| if count[&server] == 1 { server } else { uri };
    hosts.iter().cloned().map(label).map(Arc::from).collect()
}

/// `qemu+ssh://root@kvm1:2222/system` is on `kvm1:2222`. Where an alias is, only libvirt's
/// configuration says, which may change.
fn server(uri: &str) -> String {
    if !uri.is_empty() && !uri.contains(':') {
        return uri.to_owned();
    }
    let authority = uri.split_once("://").map_or("", |(_, rest)| rest);
    let authority = authority.split(['/', '?', '#']).next().unwrap_or_default();
    let server = authority.rsplit_once('@').map_or(authority, |(_, server)| server);
    match server {
        "" => rustix::system::uname().nodename().to_string_lossy().into_owned(),
        server => server.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_called_after_its_server() {
        let uris = [
            "qemu+ssh://root@kvm1:2222/system",
            "qemu+tls://kvm2/system?no_verify=1",
            "qemu+tcp://[::1]:5/session",
        ];
        let labels = labels(uris.into_iter().map(str::to_owned));
        assert_eq!(
            labels.iter().map(|it| &**it).collect::<Vec<_>>(),
            ["kvm1:2222", "kvm2", "[::1]:5"]
        );
    }

    #[test]
    fn an_alias_is_its_own_name() {
        let uris = ["kvm3", "kvm4", "qemu://kvm4/system"];
        let labels = labels(uris.into_iter().map(str::to_owned));
        let labels: Vec<_> = labels.iter().map(|it| &**it).collect();
        assert_eq!(labels, ["kvm3", "kvm4", "qemu://kvm4/system"]);
    }

    #[test]
    fn hosts_of_one_server_are_called_after_their_uris() {
        let uris = ["qemu:///system", "test:///default", "xen://kvm1/"];
        let labels = labels(uris.into_iter().map(str::to_owned));
        assert_eq!(
            labels.iter().map(|it| &**it).collect::<Vec<_>>(),
            ["qemu:///system", "test:///default", "kvm1"]
        );
    }
}
