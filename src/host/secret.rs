// SPDX-License-Identifier: LGPL-2.1-or-later
//! The commands of secrets.

use std::fs;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::frame::argument::{Document, Flag, Needed, Optional, Text, flag, needed, optional};
use super::frame::call::{Call, Outcome};
use super::frame::command::{Command, action, document, word};
use super::frame::document::unreadable;
use super::frame::failure::{Failure, Says};
use super::frame::given::shown;
use super::xml_result;
use crate::constants as c;
use crate::core::Secret;
use crate::value::Value;

const NO_VALUE: &str = "Input secret value is missing";

static SECRET: Needed<Text> = needed("secret", "UUID of the secret");

static FILE: Needed<Document> = needed("file", "secret definition").root("secret");
static VALIDATE: Flag = flag("validate", "validate the definition against libvirt's schema");
static PLAIN: Flag = flag("plain", "the value itself: text, or bytes if it is not UTF-8");
static BASE64: Optional<Text> =
    optional("base64", "value in base64").unless(&[&VALUE_FILE]).saying(NO_VALUE);
static VALUE_FILE: Optional<Text> =
    optional("file", "file that contains the value, in base64").excludes(&[&BASE64]);
static PLAIN_FILE: Flag = flag("plain", "the file contains the value itself").excludes(&[&BASE64]);

pub(super) static COMMANDS: &[Command] = &[
    document("conf", "secret-dumpxml", conf)
        .about("Returns the definition of a secret, without its value.")
        .takes(&[&SECRET]),
    action("define", "secret-define", define)
        .about("Defines a secret without its value, or changes its definition.")
        .takes(&[&FILE, &VALIDATE]),
    word("get_value", "secret-get-value", get_value)
        .about("Returns the value of a secret, in base64.")
        .takes(&[&SECRET, &PLAIN]),
    action("set_value", "secret-set-value", set_value)
        .about("Sets the value of a secret.")
        .takes(&[&SECRET, &BASE64, &VALUE_FILE, &PLAIN_FILE]),
    action("undefine", "secret-undefine", undefine)
        .about("Removes a secret and its value.")
        .takes(&[&SECRET]),
];

fn conf(call: &mut Call<'_>) -> Outcome {
    xml_result::document(&secret(call)?.get_xml_description(0)?, "secret", &[])
}

fn define(call: &mut Call<'_>) -> Outcome {
    let document = call.get(&FILE)?.read()?;
    let flags = call.flags(&[(&VALIDATE, c::SECRET_DEFINE_VALIDATE)]);
    let secret = call
        .conn()
        .define_secret(&document.xml, flags)
        .or_say(|| format!("Failed to set attributes from {}", document.file))?;
    Ok(format!("Secret {} created", shown(&secret.get_uuid_string()?)).into())
}

fn get_value(call: &mut Call<'_>) -> Outcome {
    let value = secret(call)?.get_value(0)?;
    if !call.flag(&PLAIN) {
        return Ok(STANDARD.encode(&value).into());
    }
    Ok(match std::str::from_utf8(&value) {
        Ok(text) => text.into(),
        Err(_) => Value::Bytes(value.to_vec()),
    })
}

fn set_value(call: &mut Call<'_>) -> Outcome {
    let secret = secret(call)?;
    let (given, argument) = match (call.get(&VALUE_FILE), call.get(&BASE64)) {
        (Some(file), _) => {
            let name = VALUE_FILE.name();
            let failed = |error| unreadable(file, &error).blaming(name);
            (fs::read(file).map_err(failed)?, name)
        }
        (None, Some(text)) => (text.as_bytes().to_vec(), BASE64.name()),
        (None, None) => return Err(Failure::said(NO_VALUE)),
    };
    let given = Zeroizing::new(given);
    let not_base64 = |_| Failure::refused(argument, "the value of the secret is not base64");
    let value = match call.flag(&PLAIN_FILE) {
        true => given,
        false => Zeroizing::new(STANDARD.decode(given.trim_ascii()).map_err(not_base64)?),
    };
    secret.set_value(&value, 0).or_say(|| "Failed to set secret value".to_owned())?;
    Ok("Secret value set".into())
}

fn undefine(call: &mut Call<'_>) -> Outcome {
    let secret = secret(call)?;
    let uuid = call.get(&SECRET)?;
    secret.undefine().or_say(|| format!("Failed to delete secret {uuid}"))?;
    Ok(format!("Secret {uuid} deleted").into())
}

fn secret(call: &Call<'_>) -> std::result::Result<Secret, Failure> {
    let uuid = call.c_text(&SECRET)?;
    call.conn()
        .get_secret_by_uuid(uuid.to_bytes())
        .or_say(|| format!("failed to get secret '{}'", shown(uuid)))
}
