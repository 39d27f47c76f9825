// SPDX-License-Identifier: LGPL-2.1-or-later
//! The volumes that go with a domain when it is undefined.

use crate::constants as c;
use crate::core::{Domain, StorageVol};
use crate::error::Result;
use crate::host::frame::argument::{Flag, Listed, Optional, Text, flag, optional};
use crate::host::frame::call::Call;
use crate::host::frame::failure::{Failure, Says};
use crate::host::frame::given::{c_text, shown};
use crate::host::walk::{Gone, is_unsupported, present};
use crate::host::xml_result;
use crate::value::Value;

static STORAGE: Optional<Text> =
    optional("storage", "volumes to delete: target device names or paths, separated by commas")
        .excludes(&[&REMOVE_ALL_STORAGE]);
static REMOVE_ALL_STORAGE: Flag = flag("remove_all_storage", "delete all volumes of the domain");
static DELETE_STORAGE_VOLUME_SNAPSHOTS: Flag =
    flag("delete_storage_volume_snapshots", "also delete the snapshots of deleted volumes")
        .requires(&[&[&REMOVE_ALL_STORAGE]]);
static WIPE_STORAGE: Flag = flag("wipe_storage", "wipe volumes before deleting them")
    .requires(&[&[&STORAGE, &REMOVE_ALL_STORAGE]]);
/// Which volumes are removed, and how.
pub static CHOSEN: Listed =
    &[&STORAGE, &REMOVE_ALL_STORAGE, &DELETE_STORAGE_VOLUME_SNAPSHOTS, &WIPE_STORAGE];

/// A volume to remove, which libvirt manages, and the disk that it is.
pub struct Volume {
    target: String,
    path: String,
    volume: StorageVol,
}

/// The volumes of a domain that the arguments choose. What libvirt does not manage is
/// told, and left alone.
pub fn of_domain(
    call: &mut Call<'_>,
    domain: &Domain,
) -> std::result::Result<Vec<Volume>, Failure> {
    let all = call.flag(&REMOVE_ALL_STORAGE);
    let mut wanted: Vec<String> =
        call.get(&STORAGE).map(crate::host::frame::text::fields).unwrap_or_default();
    if !all && wanted.is_empty() {
        return Ok(Vec::new());
    }
    if domain.is_active()? {
        return Err(Failure::said("Storage volume deletion is supported only on stopped domains"));
    }
    let document = xml_result::parsed(&domain.get_xml_description(0)?)?;
    let mut volumes = Vec::new();
    for disk in xml_result::elements(&document, "domain.devices.disk") {
        let target = disk.get_str("target.@dev").unwrap_or_default().to_owned();
        let Some(source) = Source::of(disk) else {
            continue;
        };
        let volume = source.volume(call)?;
        let path = match &volume {
            Found::Volume(_, path) => path,
            _ => &source.name,
        };
        let is_it = |name: &String| [&target, path, &source.name].contains(&name);
        if !all && !wanted.iter().any(is_it) {
            continue;
        }
        wanted.retain(|name| !is_it(name));
        match volume {
            Found::Volume(volume, path) => volumes.push(Volume { target, path, volume }),
            Found::NoPool(pool) => {
                let said = format!("Storage pool '{pool}' for volume '{target}' not found.");
                call.complain(Failure::said(said));
            }
            Found::Unmanaged => {
                let managed = "is not managed by libvirt. Remove it manually.";
                let said = format!("Storage volume '{target}'({}) {managed}", source.name);
                call.complain(Failure::said(said));
            }
        }
    }
    let said = |name: &String| format!("Volume '{name}' was not found in domain's definition.");
    match wanted.split_last() {
        None => Ok(volumes),
        Some((last, others)) => {
            for name in others {
                call.complain(Failure::said(said(name)));
            }
            Err(Failure::said(said(last)))
        }
    }
}

/// Where a disk's data are: a path, or a name in a pool.
struct Source {
    pool: Option<String>,
    name: String,
}

/// What libvirt knows of a source.
enum Found {
    /// With its path.
    Volume(StorageVol, String),
    NoPool(String),
    Unmanaged,
}

impl Source {
    /// None if the disk has no data, as an empty drive.
    fn of(disk: &Value) -> Option<Self> {
        let text = |name: &str| disk.get_str(&format!("source.@{name}")).ok().map(str::to_owned);
        let name = ["file", "dir", "name", "dev", "volume"].iter().find_map(|name| text(name))?;
        Some(Source { pool: text("pool"), name })
    }

    fn volume(&self, call: &Call<'_>) -> Result<Found> {
        let text = |text: &str| c_text(text.to_owned(), || "the disk's source".to_owned());
        let conn = call.conn();
        let name = text(&self.name)?;
        let looked_up = match &self.pool {
            Some(pool) => match present(conn.get_storage_pool_by_name(&text(pool)?), Gone::Pool)? {
                None => return Ok(Found::NoPool(pool.clone())),
                Some(pool) if !pool.is_active()? => return Ok(Found::Unmanaged),
                Some(pool) => pool.get_volume_by_name(&name),
            },
            None => conn.get_storage_volume_by_path(&name),
        };
        let found = looked_up.and_then(|volume| {
            let path = shown(&volume.get_path()?).to_owned();
            Ok(Found::Volume(volume, path))
        });
        match found {
            // A host without storage pools manages no volume.
            Err(error) if is_unsupported(&error) => Ok(Found::Unmanaged),
            found => Ok(present(found, Gone::Volume)?.unwrap_or(Found::Unmanaged)),
        }
    }
}

/// Removes volumes, and adds to `out` what virsh prints then.
pub fn remove(
    call: &mut Call<'_>,
    volumes: &[Volume],
    out: &mut String,
) -> std::result::Result<(), Failure> {
    let flags =
        call.flags(&[(&DELETE_STORAGE_VOLUME_SNAPSHOTS, c::STORAGE_VOL_DELETE_WITH_SNAPSHOTS)]);
    let wipes = call.flag(&WIPE_STORAGE);
    let mut failed = None;
    for volume in volumes {
        let Err(failure) = volume.remove(flags, wipes, out) else { continue };
        if let Some(earlier) = failed.replace(failure) {
            call.complain(earlier);
        }
    }
    failed.map_or(Ok(()), Err)
}

impl Volume {
    fn remove(
        &self,
        flags: u32,
        wipes: bool,
        out: &mut String,
    ) -> std::result::Result<(), Failure> {
        let Volume { target, path, volume } = self;
        if wipes {
            out.push_str(&format!("\nWiping volume '{target}'({path}) ... "));
            volume.wipe(0).or_say(|| "Failed! Volume not removed.".to_owned())?;
            out.push_str("Done.");
        }
        volume
            .delete(flags)
            .or_say(|| format!("Failed to remove storage volume '{target}'({path})"))?;
        out.push_str(&format!("\nVolume '{target}'({path}) removed."));
        Ok(())
    }
}
