//! The volumes that go with a domain when it is undefined.

use virt::sys;

use crate::core::{Domain, StorageVol};
use crate::error::Result;
use crate::host::call::Call;
use crate::host::failure::{Failure, Says};
use crate::host::given::{c_text, shown};
use crate::host::xml_result;
use crate::value::Value;

/// A volume to remove: the disk that it is, its path, and itself if libvirt manages it.
pub struct Volume {
    target: String,
    path: String,
    volume: Option<StorageVol>,
}

/// The volumes of a domain that the arguments choose.
pub fn of_domain(call: &Call<'_>, domain: &Domain) -> std::result::Result<Vec<Volume>, Failure> {
    let all = call.flag("remove_all_storage");
    let wanted: Vec<String> =
        call.str("storage").map(crate::host::text::fields).unwrap_or_default();
    if !all && wanted.is_empty() {
        return Ok(Vec::new());
    }
    if domain.is_active()? {
        return Err(Failure::said("Storage volume deletion is supported only on stopped domains"));
    }
    let document = xml_result::parsed(&domain.get_xml_description(0)?)?;
    let mut volumes = Vec::new();
    for disk in xml_result::elements(&document, "domain.devices.disk") {
        let target = disk.get_str("target.@dev").unwrap_or_default();
        let Some((path, volume)) = volume_of(call, disk)? else {
            continue;
        };
        let matches = |name: &String| name == target || *name == path;
        if all || wanted.iter().any(matches) {
            volumes.push(Volume { target: target.to_owned(), path, volume });
        }
    }
    for name in &wanted {
        if !volumes.iter().any(|volume| volume.target == *name || volume.path == *name) {
            let said = format!("Volume '{name}' was not found in domain's definition.");
            return Err(Failure::said(said));
        }
    }
    Ok(volumes)
}

/// Where a disk's data are, and the volume that has them, if libvirt manages it.
fn volume_of(call: &Call<'_>, disk: &Value) -> Result<Option<(String, Option<StorageVol>)>> {
    let text = |path: &str| disk.get_str(path).ok().map(str::to_owned);
    let c = |text: String| c_text(text, || "the disk's source".to_owned());
    if let (Some(pool), Some(name)) = (text("source.@pool"), text("source.@volume")) {
        let pool = call.conn().get_storage_pool_by_name(&c(pool)?)?;
        let volume = pool.get_volume_by_name(&c(name)?)?;
        let path = shown(&volume.get_path()?).to_owned();
        return Ok(Some((path, Some(volume))));
    }
    let Some(path) =
        ["file", "dev", "dir", "name"].iter().find_map(|kind| text(&format!("source.@{kind}")))
    else {
        return Ok(None);
    };
    let volume = call.conn().get_storage_volume_by_path(&c(path.clone())?).ok();
    Ok(Some((path, volume)))
}

/// Removes volumes, and adds to `out` what virsh prints then.
pub fn remove(
    call: &Call<'_>,
    volumes: &[Volume],
    out: &mut String,
) -> std::result::Result<(), Failure> {
    let flags = call
        .flags(&[("delete_storage_volume_snapshots", sys::VIR_STORAGE_VOL_DELETE_WITH_SNAPSHOTS)]);
    let mut failed = None;
    for Volume { target, path, volume } in volumes {
        let Some(volume) = volume else {
            let managed = "is not managed by libvirt. Remove it manually.";
            failed = Some(Failure::said(format!("Storage volume '{target}'({path}) {managed}")));
            continue;
        };
        if call.flag("wipe_storage") {
            out.push_str(&format!("\nWiping volume '{target}'({path}) ... "));
            if let Err(error) = volume.wipe(0) {
                let said = "Failed! Volume not removed.".to_owned();
                failed = Err::<(), _>(error).or_say(|| said).err();
                continue;
            }
            out.push_str("Done.");
        }
        match volume.delete(flags) {
            Ok(()) => out.push_str(&format!("\nVolume '{target}'({path}) removed.")),
            Err(error) => {
                let said = format!("Failed to remove storage volume '{target}'({path})");
                failed = Err::<(), _>(error).or_say(|| said).err();
            }
        }
    }
    failed.map_or(Ok(()), Err)
}
