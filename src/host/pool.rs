// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of storage pools.

use super::frame::argument::{
    Document, Flag, Listed, Needed, Optional, Text, flag, needed, optional,
};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, facts, word};
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::lists::pool_state;
use super::markup::Markup;
use super::{lookup, xml_result};
use crate::constants as c;
use crate::core::StoragePool;
use crate::value::{Map, Value};

static POOL: Needed<Text> = needed("pool", "name or UUID of the pool");
static FILE: Needed<Document> = needed("file", "pool definition").root("pool");
static NAME: Needed<Text> = needed("name", "name of the pool");
static TYPE: Needed<Text> = needed("type", "type of the pool, such as dir");
static BUILD: Flag = flag("build", "build the pool first");
static OVERWRITE: Flag =
    flag("overwrite", "overwrite existing data when building").excludes(&[&NO_OVERWRITE]);
static NO_OVERWRITE: Flag = flag("no_overwrite", "build only if there are no data");
static PRINT_XML: Flag = flag("print_xml", "only return the definition's XML");
static SOURCE_HOST: Optional<Text> = optional("source_host", "host of the storage");
static SOURCE_PATH: Optional<Text> = optional("source_path", "path of the storage");
static SOURCE_DEV: Optional<Text> = optional("source_dev", "device of the storage");
static SOURCE_NAME: Optional<Text> = optional("source_name", "name of the storage");
static TARGET: Optional<Text> = optional("target", "target path of the volumes on the host");
static SOURCE_FORMAT: Optional<Text> = optional("source_format", "format of the storage");
static AUTH_TYPE: Optional<Text> = optional("auth_type", "authentication type: chap or ceph");
static AUTH_USERNAME: Optional<Text> = optional("auth_username", "user name for authentication");
static SECRET_USAGE: Optional<Text> =
    optional("secret_usage", "usage of the secret with the password").excludes(&[&SECRET_UUID]);
static SECRET_UUID: Optional<Text> =
    optional("secret_uuid", "UUID of the secret with the password");
static ADAPTER_NAME: Optional<Text> = optional("adapter_name", "name of a SCSI adapter");
static ADAPTER_WWNN: Optional<Text> = optional("adapter_wwnn", "WWNN of a Fibre Channel adapter");
static ADAPTER_WWPN: Optional<Text> = optional("adapter_wwpn", "WWPN of a Fibre Channel adapter");
static ADAPTER_PARENT: Optional<Text> = optional("adapter_parent", "name of the adapter's parent");
static ADAPTER_PARENT_WWNN: Optional<Text> =
    optional("adapter_parent_wwnn", "WWNN of the adapter's parent");
static ADAPTER_PARENT_WWPN: Optional<Text> =
    optional("adapter_parent_wwpn", "WWPN of the adapter's parent");
static ADAPTER_PARENT_FABRIC_WWN: Optional<Text> =
    optional("adapter_parent_fabric_wwn", "fabric WWN of the adapter's parent");
static SOURCE_PROTOCOL_VER: Optional<Text> = optional("source_protocol_ver", "NFS version");
static SOURCE_INITIATOR: Optional<Text> = optional("source_initiator", "iSCSI initiator");

/// What describes a pool.
static DESCRIBED: Listed = &[
    &NAME,
    &TYPE,
    &SOURCE_HOST,
    &SOURCE_PATH,
    &SOURCE_DEV,
    &SOURCE_NAME,
    &TARGET,
    &SOURCE_FORMAT,
    &AUTH_TYPE,
    &AUTH_USERNAME,
    &SECRET_USAGE,
    &SECRET_UUID,
    &ADAPTER_NAME,
    &ADAPTER_WWNN,
    &ADAPTER_WWPN,
    &ADAPTER_PARENT,
    &ADAPTER_PARENT_WWNN,
    &ADAPTER_PARENT_WWPN,
    &ADAPTER_PARENT_FABRIC_WWN,
    &SOURCE_PROTOCOL_VER,
    &SOURCE_INITIATOR,
];
/// What makes a pool have a source.
static SOURCE: Listed = &[
    &SOURCE_HOST,
    &SOURCE_PATH,
    &SOURCE_DEV,
    &SOURCE_NAME,
    &SOURCE_FORMAT,
    &SOURCE_PROTOCOL_VER,
    &SOURCE_INITIATOR,
    &AUTH_TYPE,
    &AUTH_USERNAME,
    &SECRET_USAGE,
    &SECRET_UUID,
    &ADAPTER_NAME,
    &ADAPTER_WWNN,
];
/// What starting a pool does first.
static BUILDING: Listed = &[&BUILD, &OVERWRITE, &NO_OVERWRITE];
static DISABLE: Flag = flag("disable", "disable autostart");
static BUILD_OVERWRITE: Flag = flag("overwrite", "overwrite existing data when building");
static INACTIVE: Flag = flag("inactive", "persistent definition");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");
static BYTES: Flag = flag("bytes", "sizes in bytes");
static POOL_UUID: Needed<Text> = needed("pool", "UUID of the pool");
static POOL_NAME: Needed<Text> = needed("pool", "name of the pool");

pub(super) static COMMANDS: &[Command] = &[
    action("autostart", "pool-autostart", autostart)
        .about("Sets whether a storage pool starts when the host boots.")
        .takes(&[&POOL, &DISABLE]),
    action("build", "pool-build", build)
        .about("Builds the storage of a pool, such as a directory or a file system.")
        .takes(&[&POOL, &BUILD_OVERWRITE, &NO_OVERWRITE]),
    document("conf", "pool-dumpxml", conf)
        .about("Returns the live state or the definition of a storage pool.")
        .takes(&[&POOL, &INACTIVE]),
    action("create", "pool-create", create)
        .about("Creates and starts a transient storage pool.")
        .takes(&[&FILE, &BUILDING]),
    action("create_as", "pool-create-as", create_as)
        .about("Creates and starts a transient storage pool from arguments.")
        .takes(&[&DESCRIBED, &BUILDING, &PRINT_XML]),
    action("define", "pool-define", define)
        .about("Defines a persistent storage pool, or changes its definition.")
        .takes(&[&FILE, &VALIDATE]),
    action("define_as", "pool-define-as", define_as)
        .about("Defines a persistent storage pool from arguments.")
        .takes(&[&DESCRIBED, &PRINT_XML]),
    action("delete", "pool-delete", delete)
        .about("Deletes the storage of an inactive pool, with its volumes.")
        .takes(&[&POOL]),
    action("destroy", "pool-destroy", destroy)
        .about("Stops a storage pool. Its volumes keep their content.")
        .takes(&[&POOL]),
    facts("info", "pool-info", info)
        .about("Returns name, UUID, state and sizes of a storage pool.")
        .takes(&[&POOL, &BYTES]),
    word("name", "pool-name", name)
        .about("Returns the name of a storage pool by its UUID.")
        .takes(&[&POOL_UUID]),
    action("refresh", "pool-refresh", refresh)
        .about("Rescans the volumes of a storage pool and their sizes.")
        .takes(&[&POOL]),
    action("start", "pool-start", start)
        .about("Starts a defined storage pool.")
        .takes(&[&POOL, &BUILDING]),
    action("undefine", "pool-undefine", undefine)
        .about("Removes the definition of a storage pool.")
        .takes(&[&POOL]),
    word("uuid", "pool-uuid", uuid)
        .about("Returns the UUID of a storage pool by its name.")
        .takes(&[&POOL_NAME]),
];

fn autostart(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    let mark = if call.flag(&DISABLE) { "unmark" } else { "mark" };
    pool.set_autostart(!call.flag(&DISABLE))
        .or_say(|| format!("failed to {mark} pool {name} as autostarted"))?;
    Ok(format!("Pool {name} {mark}ed as autostarted").into())
}

fn build(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    let flags = call.flags(&[
        (&BUILD_OVERWRITE, c::STORAGE_POOL_BUILD_OVERWRITE),
        (&NO_OVERWRITE, c::STORAGE_POOL_BUILD_NO_OVERWRITE),
    ]);
    pool.build(flags).or_say(|| format!("Failed to build pool {name}"))?;
    Ok(format!("Pool {name} built").into())
}

fn conf(call: &mut Call<'_>) -> Outcome {
    let flags = call.flags(&[(&INACTIVE, c::STORAGE_POOL_XML_INACTIVE)]);
    xml_result::document(&call.pool(&POOL)?.get_xml_description(flags)?, "pool", &[])
}

fn create(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let document = call.get(&FILE)?.read()?;
    let pool = call
        .conn()
        .create_storage_pool(&document.xml, flags)
        .or_say(|| format!("Failed to create pool from {}", document.file))?;
    Ok(format!("Pool {} created from {}", name_of(&pool)?, document.file).into())
}

fn create_as(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let markup = described(call)?;
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    let name = call.get(&NAME)?;
    call.conn()
        .create_storage_pool(&markup.xml()?, flags)
        .or_say(|| format!("Failed to create pool {name}"))?;
    Ok(format!("Pool {name} created").into())
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::STORAGE_POOL_DEFINE_VALIDATE)]);
    let pool = call
        .conn()
        .define_storage_pool(&document.xml, flags)
        .or_say(|| format!("Failed to define pool from {}", document.file))?;
    Ok(format!("Pool {} defined from {}", name_of(&pool)?, document.file).into())
}

fn define_as(call: &mut Call<'_>) -> Outcome {
    let markup = described(call)?;
    if call.flag(&PRINT_XML) {
        return Ok(markup.text()?.trim_end().into());
    }
    let name = call.get(&NAME)?;
    call.conn()
        .define_storage_pool(&markup.xml()?, 0)
        .or_say(|| format!("Failed to define pool {name}"))?;
    Ok(format!("Pool {name} defined").into())
}

fn delete(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    pool.delete(0).or_say(|| format!("Failed to delete pool {name}"))?;
    Ok(format!("Pool {name} deleted").into())
}

fn destroy(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    pool.destroy().or_say(|| format!("Failed to destroy pool {name}"))?;
    Ok(format!("Pool {name} destroyed").into())
}

fn info(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let info = Value::Map(pool.get_info()?);
    let state = pool_state(&info);
    let mut map = Map::with_capacity(8);
    map.push_new("name", call.converted(&name_of(&pool)?));
    map.push_new("uuid", shown(&pool.get_uuid_string()?));
    map.push_new("state", state);
    map.push_new("persistent", pool.is_persistent()?);
    // Not there for every pool.
    match pool.get_autostart() {
        Ok(autostart) => map.push_new("autostart", autostart),
        Err(_) => map.push_new("autostart", "no autostart"),
    }
    if ["running", "degraded"].contains(&state) {
        for name in ["capacity", "allocation", "available"] {
            let size = info.get_uint64(name)?;
            let size = if call.flag(&BYTES) { size.into() } else { call.bytes(size) };
            map.push_new(name, size);
        }
    }
    Ok(map.into())
}

fn name(call: &mut Call<'_>) -> Outcome {
    let conn = call.conn();
    let uuid = call.c_text(&POOL_UUID)?;
    let pool = lookup::by_uuid("pool", uuid, |uuid| conn.get_storage_pool_by_uuid(uuid))?;
    Ok(name_of(&pool)?.into())
}

fn refresh(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    pool.refresh(0).or_say(|| format!("Failed to refresh pool {name}"))?;
    Ok(format!("Pool {name} refreshed").into())
}

fn start(call: &mut Call<'_>) -> Outcome {
    let flags = start_flags(call);
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    pool.create(flags).or_say(|| format!("Failed to start pool {name}"))?;
    Ok(format!("Pool {name} started").into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let pool = call.pool(&POOL)?;
    let name = call.get(&POOL)?;
    pool.undefine().or_say(|| format!("Failed to undefine pool {name}"))?;
    Ok(format!("Pool {name} has been undefined").into())
}

fn uuid(call: &mut Call<'_>) -> Outcome {
    let name = call.c_text(&POOL_NAME)?;
    let pool = call
        .conn()
        .get_storage_pool_by_name(name)
        .or_say(|| format!("failed to get pool '{}'", shown(name)))?;
    Ok(shown(&pool.get_uuid_string()?).into())
}

/// What starting a pool does first.
fn start_flags(call: &Call<'_>) -> u32 {
    call.flags(&[
        (&BUILD, c::STORAGE_POOL_CREATE_WITH_BUILD),
        (&OVERWRITE, c::STORAGE_POOL_CREATE_WITH_BUILD_OVERWRITE),
        (&NO_OVERWRITE, c::STORAGE_POOL_CREATE_WITH_BUILD_NO_OVERWRITE),
    ])
}

/// The definition that the arguments describe.
fn described(call: &Call<'_>) -> std::result::Result<Markup, Failure> {
    let mut markup = Markup::default();
    markup.open("pool", &[("type", Some(call.get(&TYPE)?))]);
    markup.leaf("name", call.get(&NAME)?);
    source(call, &mut markup);
    if let Some(target) = call.get(&TARGET) {
        markup.open("target", &[]);
        markup.leaf("path", target);
        markup.close("target");
    }
    markup.close("pool");
    Ok(markup)
}

fn source(call: &Call<'_>, markup: &mut Markup) {
    if !call.given_any(SOURCE) {
        return;
    }
    markup.open("source", &[]);
    markup.empty_of("host", "name", call.get(&SOURCE_HOST));
    markup.empty_of("dir", "path", call.get(&SOURCE_PATH));
    markup.empty_of("device", "path", call.get(&SOURCE_DEV));
    if call.given(&SOURCE_INITIATOR) {
        markup.open("initiator", &[]);
        markup.empty_of("iqn", "name", call.get(&SOURCE_INITIATOR));
        markup.close("initiator");
    }
    adapter(call, markup);
    login(call, markup);
    markup.empty_of("format", "type", call.get(&SOURCE_FORMAT));
    markup.leaf_of("name", call.get(&SOURCE_NAME));
    markup.empty_of("protocol", "ver", call.get(&SOURCE_PROTOCOL_VER));
    markup.close("source");
}

fn adapter(call: &Call<'_>, markup: &mut Markup) {
    if !call.given(&ADAPTER_WWNN) {
        if let Some(name) = call.get(&ADAPTER_NAME) {
            markup.empty("adapter", &[("type", Some("scsi_host")), ("name", Some(name))]);
        }
        return;
    }
    // One way to name the parent is enough; the first one given counts.
    let by_name = call.get(&ADAPTER_PARENT);
    let by_wwn = |argument| if by_name.is_none() { call.get(argument) } else { None };
    let node = by_wwn(&ADAPTER_PARENT_WWNN);
    let fabric = if node.is_none() { by_wwn(&ADAPTER_PARENT_FABRIC_WWN) } else { None };
    markup.empty(
        "adapter",
        &[
            ("type", Some("fc_host")),
            ("parent", by_name),
            ("parent_wwnn", node),
            ("parent_wwpn", by_wwn(&ADAPTER_PARENT_WWPN)),
            ("parent_fabric_wwn", fabric),
            ("wwnn", call.get(&ADAPTER_WWNN)),
            ("wwpn", call.get(&ADAPTER_WWPN)),
        ],
    );
}

fn login(call: &Call<'_>, markup: &mut Markup) {
    let kind = call.get(&AUTH_TYPE);
    if kind.is_none() {
        return;
    }
    markup.open("auth", &[("type", kind), ("username", call.get(&AUTH_USERNAME))]);
    match call.get(&SECRET_USAGE) {
        Some(usage) => markup.empty("secret", &[("usage", Some(usage))]),
        None => markup.empty_of("secret", "uuid", call.get(&SECRET_UUID)),
    }
    markup.close("auth");
}

fn name_of(pool: &StoragePool) -> crate::error::Result<String> {
    Ok(pool.get_name()?.to_string_lossy().into_owned())
}
