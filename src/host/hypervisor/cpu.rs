// SPDX-License-Identifier: LGPL-2.1-or-later
//! CPU models: what the host has, and what guests can have.

use std::ffi::CString;

use super::{ARCH, CPUS, ERROR, FEATURES, MIGRATABLE, TYPE, VALIDATE};
use crate::constants as c;
use crate::core::conn::Emulator;
use crate::error::Result;
use crate::host::frame::call::{Call, Outcome};
use crate::host::frame::document::Document;
use crate::host::frame::failure::Failure;
use crate::host::frame::given::{c_text, shown};
use crate::host::xml_result;
use crate::value::{Map, Value};
use crate::xml;

/// Where CPUs are in documents of the various kinds.
const PLACES: [&str; 3] =
    ["container.cpu", "container.domain.cpu", "container.capabilities.host.cpu"];
/// Where the modes of CPUs are in domain capabilities.
const MODES: &str = "container.domainCapabilities.cpu.mode";

pub fn baseline(call: &mut Call<'_>) -> Outcome {
    let cpus = described(&call.get(&CPUS)?.read()?)?;
    let cpus: Vec<_> = cpus.iter().map(|cpu| &**cpu).collect();
    let flags = call.flags(&[
        (&FEATURES, c::CONN_BASELINE_CPU_EXPAND_FEATURES),
        (&MIGRATABLE, c::CONN_BASELINE_CPU_MIGRATABLE),
    ]);
    let cpu = call.conn().baseline_cpu(&cpus, flags)?;
    Ok(shown(&cpu).trim_end().into())
}

pub fn compare(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&CPUS)?.read()?;
    let file = &document.file;
    let cpus = described(&document)?;
    let flags = call.flags(&[
        (&ERROR, c::CONN_COMPARE_CPU_FAIL_INCOMPATIBLE),
        (&VALIDATE, c::CONN_COMPARE_CPU_VALIDATE_XML),
    ]);
    let cpu = cpus.first().map(|cpu| &**cpu).unwrap_or_default();
    match u32::try_from(call.conn().compare_cpu(cpu, flags)?) {
        Ok(c::CONN_CPU_COMPARE_INCOMPATIBLE) => {
            Err(Failure::printed(format!("CPU described in {file} is incompatible with host CPU")))
        }
        Ok(c::CONN_CPU_COMPARE_IDENTICAL) => {
            Ok(format!("CPU described in {file} is identical to host CPU").into())
        }
        Ok(c::CONN_CPU_COMPARE_SUPERSET) => {
            Ok(format!("Host CPU is a superset of CPU described in {file}").into())
        }
        _ => Err(Failure::said(format!("Failed to compare host CPU with {file}"))),
    }
}

pub fn models(call: &mut Call<'_>) -> Outcome {
    let models = call.conn().get_cpu_model_names(call.c_text(&ARCH)?, 0)?;
    if models.is_empty() {
        return Ok(Value::List(vec!["all CPU models are accepted".into()]));
    }
    Ok(Value::List(models.iter().map(|model| shown(model).into()).collect()))
}

/// What the emulator says, or, where there is none to ask, the driver.
pub fn maxvcpus(call: &mut Call<'_>) -> Outcome {
    let virttype = call.c_text(&TYPE);
    let emulator = Emulator { virttype, ..Emulator::default() };
    let capabilities = call.conn().get_domain_capabilities(emulator, 0);
    let capabilities = capabilities.and_then(|text| xml::from_xml(shown(&text)));
    if let Ok(max) = capabilities.and_then(|all| all.get_uint64("domainCapabilities.vcpu.@max")) {
        return Ok(max.into());
    }
    Ok(call.conn().get_max_vcpus(virttype)?.into())
}

/// The CPUs that a file describes: by themselves, or in domains and capabilities,
/// one after the other.
fn described(document: &Document) -> std::result::Result<Vec<CString>, Failure> {
    let text = shown(&document.xml);
    // Several documents are one for the time of looking into them.
    let without_declaration = match text.trim_start().strip_prefix("<?xml") {
        Some(rest) => rest.split_once("?>").map_or(rest, |(_, rest)| rest),
        None => text,
    };
    let all = xml::from_xml(&format!("<container>{without_declaration}</container>"))
        .map_err(|error| Failure::from(error).blaming(CPUS.name()))?;
    let mut cpus = Vec::new();
    for path in PLACES {
        for cpu in xml_result::elements(&all, path) {
            cpus.push(written(cpu.clone())?);
        }
    }
    for mode in xml_result::elements(&all, MODES) {
        let is = |key, wanted| mode.get_str(key).is_ok_and(|value| value == wanted);
        if !is("@name", "host-model") || !is("@supported", "yes") {
            continue;
        }
        if let Value::Map(mode) = mode {
            cpus.push(written(without_attributes(mode).into())?);
        }
    }
    if cpus.is_empty() {
        return Err(Failure::refused(
            CPUS.name(),
            format!(
                "File '{}' does not contain any <cpu> element or valid domain XML, host capabilities \
             XML, or domain capabilities XML",
                document.file
            ),
        ));
    }
    Ok(cpus)
}

/// A mode of the domain capabilities becomes a CPU by losing its name.
fn without_attributes(mode: &Map) -> Map {
    let parts = mode.iter().filter(|(key, _)| !key.starts_with('@'));
    parts.map(|(key, value)| (key.to_owned(), value.clone())).collect()
}

fn written(cpu: Value) -> Result<CString> {
    let text = xml::to_xml(&Map::from_iter([("cpu", cpu)]).into())?;
    c_text(text, || "the CPU".to_owned())
}
