// SPDX-License-Identifier: LGPL-2.1-or-later
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::value::tests::any_value;

fn read(text: &str) -> Value {
    from_xml(text).expect(text)
}

fn json(text: &str) -> String {
    read(text).to_json(false).unwrap()
}

fn write(json: &str) -> String {
    to_xml(&Value::from_json(json).expect(json)).expect(json)
}

fn write_error(json: &str) -> String {
    to_xml(&Value::from_json(json).expect(json)).expect_err(json).to_string()
}

/// Line, column and reason, on which `from_xml` and `check` must agree.
fn flaw(text: &str) -> (u64, u64, String) {
    let (line, column, reason) = check(text).expect_err(text);
    let message = from_xml(text).expect_err(text).to_string();
    assert_eq!(message, format!("xml: XML is malformed at line {line}, column {column}: {reason}"));
    (line, column, reason)
}

#[test]
fn elements_become_values() {
    for (xml, expected) in [
        ("<a/>", r#"{"a":true}"#),
        ("<a></a>", r#"{"a":true}"#),
        ("<a> \n </a>", r#"{"a":true}"#),
        ("<a> x y\n</a>", r#"{"a":"x y"}"#),
        ("<a x='1'/>", r#"{"a":{"@x":"1"}}"#),
        ("<a x='1' y = \"2\" > t </a >", r##"{"a":{"@x":"1","@y":"2","#text":"t"}}"##),
        ("<a> t <b/> <c/></a>", r##"{"a":{"#text":"t","b":true,"c":true}}"##),
        (
            "<a> t<b/>u&amp;<!-- c -->v <c x=''/> </a>",
            r##"{"a":{"#text":[" t","u&v "," "],"b":true,"c":{"@x":""},"#order":["#text","b","#text","c","#text"]}}"##,
        ),
        (
            "<a>\n <b/>u<c>\n <d/></c></a>",
            r##"{"a":{"#text":["\n ","u"],"b":true,"c":{"d":true},"#order":["#text","b","#text","c"]}}"##,
        ),
        ("<a x=''>t<b>1</b></a>", r##"{"a":{"@x":"","#text":"t","b":"1"}}"##),
        (
            "<a><b>1</b><c/><b>2</b><b y='3'/></a>",
            r##"{"a":{"b":["1","2",{"@y":"3"}],"c":true,"#order":["b","c","b","b"]}}"##,
        ),
        ("<a><b/><b/><c/><c/><d/></a>", r#"{"a":{"b":[true,true],"c":[true,true],"d":true}}"#),
        (
            "<a><b><d/></b><c><b/></c><c/><b/></a>",
            r##"{"a":{"b":[{"d":true},true],"c":[{"b":true},true],"#order":["b","c","c","b"]}}"##,
        ),
        ("<a>1&lt;2 &#x41;&#66; &amp;&quot;&apos;&gt;</a>", r#"{"a":"1<2 AB &\"'>"}"#),
        ("<a>&#32; x &#10;</a>", r#"{"a":"x"}"#),
        ("<a><![CDATA[<b>&amp;]] >]]></a>", r#"{"a":"<b>&amp;]] >"}"#),
        ("<a>x<!-- c -->yz</a>", r#"{"a":"xyz"}"#),
        ("<a><?p?></a>", r#"{"a":{"?p":true}}"#),
        ("<a><?p  b='1' &lt;>\r\n ?></a>", r#"{"a":{"?p":"b='1' &lt;>"}}"#),
        ("<a> t <?p i\r\nj?></a>", r##"{"a":{"#text":"t","?p":"i\nj"}}"##),
        (
            "<a><?p 1?><b/><?p 2?>t</a>",
            r##"{"a":{"#text":["t"],"?p":["1","2"],"b":true,"#order":["?p","b","?p","#text"]}}"##,
        ),
        (
            "<a x=' 1&#10;\n\t2 ' y='&lt;&#x1F600;>'/>",
            "{\"a\":{\"@x\":\" 1\\n  2 \",\"@y\":\"<😀>\"}}",
        ),
        ("<a>1\r\n2\r3&#13;4</a>", r#"{"a":"1\n2\n3\r4"}"#),
        (
            "<q:a xmlns:q='u' q:b='1'><q:c/></q:a>",
            r#"{"q:a":{"@xmlns:q":"u","@q:b":"1","q:c":true}}"#,
        ),
        ("<a>\u{A0}é\u{A0}</a>", "{\"a\":\"\u{A0}é\u{A0}\"}"),
    ] {
        assert_eq!(json(xml), expected, "{xml}");
        assert_eq!(check(xml), Ok(()));
    }
}

#[test]
fn a_processing_instruction_comes_back() {
    for (value, expected) in [
        (r#"{"a":{"?p":true,"?q":null,"?r":""}}"#, "<a>\n  <?p?>\n  <?q?>\n  <?r ?>\n</a>\n"),
        (
            r#"{"a":{"?p":["x='1' <&",5,false],"b":1}}"#,
            "<a>\n  <?p x='1' <&?>\n  <?p 5?>\n  <b>1</b>\n</a>\n",
        ),
        (r##"{"a":{"#text":"t","?p":"i","#order":["?p","#text"]}}"##, "<a><?p i?>t</a>\n"),
        (r#"{"a":{"?p":false}}"#, "<a/>\n"),
    ] {
        assert_eq!(write(value), expected, "{value}");
        assert!(check(expected).is_ok());
    }
    for (value, reason) in [
        (r#"{"?p":"i"}"#, r#""?p": "?p" cannot be the name of an element in XML"#),
        (
            r#"{"a":{"?":"i"}}"#,
            r#""a.?": "" cannot be the name of a processing instruction in XML"#,
        ),
        (
            r#"{"a":{"?xMl":"i"}}"#,
            r#""a.?xMl": "xMl" cannot be the name of a processing instruction"#,
        ),
        (r#"{"a":{"?p":"i?>"}}"#, r#""a.?p": "?>" would end the processing instruction"#),
        (
            r#"{"a":{"?p":"i\r"}}"#,
            r#""a.?p": a processing instruction cannot have a carriage return"#,
        ),
        (r#"{"a":{"?p":["i",{"@x":"1"}]}}"#, r#""a.?p.1": it is a map, but XML needs"#),
        (r#"{"a":{"?p":"\u0001"}}"#, r#""a.?p": XML does not allow the character U+0001"#),
    ] {
        let error = write_error(value);
        assert!(error.contains(reason), "{error}");
    }
}

#[test]
fn a_prolog_is_skipped() {
    let prologs = [
        "\u{FEFF}",
        "\u{FEFF}<?xml version='1.0'?>\n",
        "<?xml version=\"1.0\" encoding='ISO-8859-1' standalone = 'yes' ?><!-- c --> ",
        "<!DOCTYPE a>",
        "<!DOCTYPE a SYSTEM 'x>.dtd'>\n<!---->",
        "<!DOCTYPE a PUBLIC \"-//x\" 'y'  >",
    ];
    for prolog in prologs {
        assert_eq!(json(&format!("{prolog}<a/>\n<!-- end -->\n")), r#"{"a":true}"#, "{prolog}");
    }
}

#[test]
fn a_flaw_has_line_and_column() {
    for (xml, line, column, reason) in [
        ("", 1, 1, "there is no root element"),
        ("  \n ", 2, 2, "there is no root element"),
        ("<a>\n  é<b></c>\n</a>", 2, 7, "expected `</b>`, but `</c>` was found"),
        ("<a>\n<b>", 2, 1, "<b> is never closed"),
        ("<a/>\n</a>", 2, 1, "close tag `</a>` does not match any open tag"),
        ("<a/><b/>", 1, 5, "<b> is a second root element"),
        ("<a/> x", 1, 6, "text after the root element"),
        ("x<a/>", 1, 1, "text before the root element"),
        ("<a/>&amp;", 1, 5, "text after the root element"),
        ("<![CDATA[]]><a/>", 1, 1, "text before the root element"),
        ("<a b='1' c='2' b='3'/>", 1, 16, "the attribute b is there twice"),
        ("<a b='1'c='2'/>", 1, 9, "white space must stand between attributes"),
        ("<a b/>", 1, 5, "\"=\" and its value must follow"),
        ("<a b=1/>", 1, 6, "must stand in quotes"),
        ("<a\n 1b='1'/>", 2, 2, "\"1b\" cannot be the name of an attribute"),
        ("<a =='1'/>", 1, 4, "\"=\" cannot be the name of an attribute"),
        ("<a ='1'/>", 1, 8, "\"=\" and its value must follow"),
        ("<a b='<'/>", 1, 7, "write &lt;"),
        ("<a b='x&y'/>", 1, 8, "does not begin a reference"),
        ("<a b='x&y;'/>", 1, 8, "the entity &y; is unknown"),
        ("<1/>", 1, 2, "\"1\" cannot be the name of an element"),
        ("< a/>", 1, 2, "the name of an element is missing"),
        ("<a/ >", 1, 2, "\"a/\" cannot be the name of an element"),
        ("<a$ b=''/>", 1, 2, "\"a$\" cannot be the name of an element"),
        ("<a></a $>", 1, 4, "`</a $>` was found"),
        ("<a><?b$?></a>", 1, 6, "\"b$\" cannot be the name of a processing instruction"),
        ("<a>\n\u{1}</a>", 2, 1, "does not allow the character U+0001"),
        ("<a b='\u{FFFE}'/>", 1, 7, "does not allow the character U+FFFE"),
        ("<a>&foo;</a>", 1, 4, "the entity &foo; is unknown"),
        ("<a>a & b; </a>", 1, 6, "does not begin a reference"),
        ("<a>&#0;</a>", 1, 4, "&#0; names no character"),
        ("<a>&#xD800;</a>", 1, 4, "names no character"),
        ("<a>&#+65;</a>", 1, 4, "&#+65; names no character"),
        ("<a>&#-5;</a>", 1, 4, "names no character"),
        ("<a>&#;</a>", 1, 4, "names no character"),
        ("<a>x]]>y</a>", 1, 5, "write ]]&gt;"),
        ("<a><?xml version='1.0'?></a>", 1, 4, "at the very start"),
        (" <?xml version='1.0'?><a/>", 1, 2, "at the very start"),
        ("<?xml?><a/>", 1, 1, "the XML declaration is malformed"),
        ("<?xml encoding='x' version='1.0'?><a/>", 1, 1, "the XML declaration is malformed"),
        ("<a><?XML x?></a>", 1, 4, "cannot be xml"),
        ("<?p q?>\n<a/>", 1, 1, "a processing instruction outside the root element"),
        ("<a/>\n<?p q?>", 2, 1, "a processing instruction outside the root element"),
        ("<a><? x?></a>", 1, 6, "the name of a processing instruction is missing"),
        ("<!DOCTYPE a [<!ENTITY b 'c'>]><a>&b;</a>", 1, 1, "declarations of its own"),
        ("<!DOCTYPE a SYSTEM 'x' []><a/>", 1, 1, "declarations of its own"),
        ("<!DOCTYPE a SYSTEM><a/>", 1, 1, "the DOCTYPE is malformed"),
        ("<!doctype a><a/>", 1, 1, "the DOCTYPE is malformed"),
        ("<!DOCTYPEa><a/>", 1, 1, "the DOCTYPE is malformed"),
        ("<a>\r\n\r<b>\r\né<c$/>", 4, 3, "\"c$\" cannot be"),
        ("\u{FEFF}<a>é<$/>", 1, 6, "\"$\" cannot be"),
        ("<a b='c&#1;'/>", 1, 7, "no character that XML allows"),
        ("<a>&#xFFFE;</a>", 1, 4, "&#xFFFE; names no character"),
        ("<a>\n<!-- a -b\n -- -->", 2, 1, "forbidden string `--`"),
        ("<!DOCTYPE a><!DOCTYPE a><a/>", 1, 13, "only stand once"),
        ("<a/><!DOCTYPE a>", 1, 5, "only stand once"),
        ("\u{FEFF}\u{FEFF}<a/>", 1, 1, "text before the root element"),
    ] {
        let (l, c, found) = flaw(xml);
        assert!(found.contains(reason), "{xml}: {found}");
        assert_eq!((l, c), (line, column), "{xml}: {found}");
    }
}

#[test]
fn what_is_not_well_formed_is_refused() {
    for xml in [
        "<a",
        "<a b='",
        "<a b=\"x'/>",
        "<!-- ",
        "<a><!-- a -- b --></a>",
        "<a><!-- x ---></a>",
        "<a><![CDATA[x</a>",
        "<a><?p </a>",
        "<a>&amp</a>",
        "<a>&",
        "<",
        "<>",
        "</>",
        "<a></>",
        "<!",
        "<!x>",
        "<!-->",
        "<!--->",
        "<?>",
        "<??>",
        "<![x]]>",
        "<a><![cdata[x]]></a>",
        "<!D>",
        "<!DOCTYPE>",
        "<!DOCTYPE a SYSTEMPUBLIC 'x' 'y'><a/>",
        "<!DOCTYPE a PUBLIC 'x''y'><a/>",
        "<?xml version='1.0'encoding='x'?><a/>",
        "<?xml version='1.0' standalone='no' encoding='x'?><a/>",
        "<?xml version='1.0' standalone='maybe'?><a/>",
        "<!DOCTYPE a [",
        "<a></a/>",
        "<a></ a>",
        "<a>\r\n&\r\n</a>",
    ] {
        flaw(xml);
    }
    // A billion laughs get no laugh.
    let bomb = "<!DOCTYPE l [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><l>&b;</l>";
    assert!(from_xml(bomb).is_err());
}

#[test]
fn depth_is_limited() {
    let nested = |n: usize| format!("{}{}", "<a>".repeat(n), "</a>".repeat(n));
    assert_eq!(read(&nested(MAX_DEPTH)).depth(), MAX_DEPTH);
    let error = from_xml(&nested(MAX_DEPTH + 1)).unwrap_err().to_string();
    assert!(error.contains("column 301: it nests more than 100 levels deep"), "{error}");
    assert!(from_xml(&nested(200_000)).is_err());
    assert!(from_xml(&"<a>".repeat(200_000)).is_err());
    assert_eq!(check(&nested(200_000)), Ok(()));
    // Lists are levels as well.
    let listed = |n: usize| format!("{}{}", "<a><b/><b>".repeat(n), "</b></a>".repeat(n));
    assert_eq!(read(&listed(33)).depth(), 99);
    let error = from_xml(&listed(34)).unwrap_err().to_string();
    assert!(error.contains("it nests more than 100 levels deep"), "{error}");
}

#[test]
fn size_is_limited() {
    let huge = format!("<a>{}</a>", "x".repeat(MAX_SIZE));
    let error = from_xml(&huge).unwrap_err().to_string();
    assert_eq!(error, "xml: the size in bytes is 33554439, the limit is 33554432");
    assert_eq!(check(&huge), Ok(()));
}

#[test]
fn many_siblings_and_attributes_take_linear_time() {
    const MANY: usize = 100_000;
    let siblings = format!("<a>{}</a>", "<b/><c/>".repeat(MANY));
    assert_eq!(read(&siblings).get_list("a.b").unwrap().len(), MANY);
    let attributes: String = (0..MANY).map(|i| format!(" x{i}='1'")).collect();
    assert_eq!(read(&format!("<a{attributes}/>")).get_map("a").unwrap().len(), MANY);
    let (_, _, reason) = flaw(&format!("<a{attributes} x50000=''/>"));
    assert_eq!(reason, "the attribute x50000 is there twice");
    let children: String = (0..MANY).map(|i| format!("<c{i}/>")).collect();
    assert_eq!(read(&format!("<a>{children}</a>")).get_map("a").unwrap().len(), MANY);
    assert_eq!(
        read(&format!("<a>{}</a>", "x&amp;".repeat(MANY))).get_str("a").unwrap().len(),
        2 * MANY
    );
    let (_, _, reason) = flaw(&format!("<a>{}</a>", "&".repeat(MANY)));
    assert!(reason.contains("write &amp;"));
}

#[test]
fn values_are_written_like_lxml_does() {
    assert_eq!(
        write(
            r##"{"domain":{"name":"a & b","os":{"type":{"@arch":"x","#text":"hvm"}},"vcpu":2,
                  "features":{"acpi":true,"pae":null,"no":false,"map":{},"none":[]},
                  "disk":[{"@type":"file"},{"@type":"block","b":[1,"two",3.5]}]}}"##
        ),
        "<domain>
  <name>a &amp; b</name>
  <os>
    <type arch=\"x\">hvm</type>
  </os>
  <vcpu>2</vcpu>
  <features>
    <acpi/>
    <pae/>
    <map/>
  </features>
  <disk type=\"file\"/>
  <disk type=\"block\">
    <b>1</b>
    <b>two</b>
    <b>3.5</b>
  </disk>
</domain>
"
    );
    assert_eq!(write(r#"{"a":{"none":[]}}"#), "<a/>\n");
    assert_eq!(write(r#"{"a":{"@x":1,"no":false,"none":[false,false]}}"#), "<a x=\"1\"/>\n");
    assert_eq!(write(r#"{"a":{"b":[false,true,"x",false]}}"#), "<a>\n  <b/>\n  <b>x</b>\n</a>\n");
    assert_eq!(
        write(r##"{"a":{"b":{"c":1},"#text":"t","@x":-1}}"##),
        "<a x=\"-1\">t<b><c>1</c></b></a>\n"
    );
    assert_eq!(
        write(r##"{"a":{"@x":"<\">&\n\t\r'é","#text":"<\">&\n\t\r'é]]>"}}"##),
        "<a x=\"&lt;&quot;&gt;&amp;&#10;&#9;&#13;'é\">&lt;\"&gt;&amp;\n\t&#13;'é]]&gt;</a>\n"
    );
    assert_eq!(write(r#"{"a":5.0}"#), "<a>5</a>\n");
}

#[test]
fn the_order_is_followed_as_far_as_it_goes() {
    let children = |order: &str| {
        write(&format!(r##"{{"a":{{"b":["1",false,"2"],"c":"3","#order":{order}}}}}"##))
            .lines()
            .filter_map(|line| line.strip_prefix("  <"))
            .map(|line| line.split("</").next().unwrap_or_default().to_owned())
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(children(r#"["c","b","b","b"]"#), "c>3 b>1 b>2");
    assert_eq!(children(r#"["b","c","b","b"]"#), "b>1 c>3 b>2");
    assert_eq!(children(r#"["c"]"#), "c>3 b>1 b>2", "what it does not name comes last");
    assert_eq!(children(r#"["c","gone","@x","c","b"]"#), "c>3 b>1 b>2", "what is gone is gone");
    assert_eq!(children("[]"), "b>1 b>2 c>3");
    for (json, expected) in [
        (
            r##"{"a":{"#text":["x","y"],"b":1,"#order":["#text","b","#text"]}}"##,
            "<a>x<b>1</b>y</a>\n",
        ),
        (r##"{"a":{"#text":["x","y"],"b":1,"#order":["b","#text"]}}"##, "<a><b>1</b>xy</a>\n"),
        (r##"{"a":{"#text":["x","y"],"b":1,"#order":["b"]}}"##, "<a>xy<b>1</b></a>\n"),
        (r##"{"a":{"#text":["x",5],"b":1}}"##, "<a>x5<b>1</b></a>\n"),
        (r##"{"a":{"#text":"x","b":1,"#order":["b","#text"]}}"##, "<a><b>1</b>x</a>\n"),
    ] {
        assert_eq!(write(json), expected, "{json}");
    }
}

#[test]
fn what_xml_cannot_express_is_an_error_with_a_path() {
    for (json, expected) in [
        ("5", "a document is a map of one key, the name of its root element"),
        (r#"{"a":1,"b":2}"#, "a document is a map of one key, the name of its root element"),
        (r#"{"a":[1]}"#, r#""a": a document has one root element, not a list of them"#),
        (r#"{"a b":1}"#, r#""a b": "a b" cannot be the name of an element in XML"#),
        (
            r#"{"a":{"b":[{},{"@":1}]}}"#,
            r#""a.b.1.@": "" cannot be the name of an attribute in XML"#,
        ),
        (r##"{"a":{"#x":1}}"##, r##""a.#x": "#x" cannot be the name of an element in XML"##),
        (r#"{"a":{"b":[1,[2]]}}"#, r#""a.b.1": XML has no lists in lists"#),
        (r#"{"a":{"b":"\u0000"}}"#, r#""a.b": XML does not allow the character U+0000"#),
        (r#"{"a":{"@b":"\uffff"}}"#, r#""a.@b": XML does not allow the character U+FFFF"#),
        (
            r#"{"a":{"@b":true}}"#,
            r#""a.@b": it is a boolean, for which documents have different words: write the text that is meant, such as "yes" or "on""#,
        ),
        (r#"{"a":false}"#, r#""a": it is false, which makes no element; a document needs one"#),
        (
            r##"{"a":{"b":1,"#order":"b"}}"##,
            r##""a.#order": it is a string, not a list of names of children"##,
        ),
        (
            r##"{"a":{"b":{"c":true,"#order":["c",1]}}}"##,
            r##""a.b.#order.1": it is a uint64, not the name of a child"##,
        ),
        (
            r##"{"a":{"#text":["x",true]}}"##,
            r##""a.#text.1": it is a boolean, for which documents have different words: write the text that is meant, such as "yes" or "on""##,
        ),
        (
            r##"{"a":{"#text":null}}"##,
            r##""a.#text": it is null, but XML needs a string or a number here"##,
        ),
        (
            r#"{"a":{"b":{"$bytes":""}}}"#,
            r#""a.b": it is bytes, but XML needs a string or a number here"#,
        ),
    ] {
        assert_eq!(write_error(json), format!("value: {expected}"), "{json}");
    }
    let mut value = Value::from_json(r#"{"a":0}"#).unwrap();
    value.set("a", f64::NAN.into()).unwrap();
    assert!(to_xml(&value).unwrap_err().to_string().contains("NaN is not a decimal number"));
    value.set("a", crate::handle::AnyHandle::for_test().into()).unwrap();
    assert!(to_xml(&value).unwrap_err().to_string().contains("it is a handle"));
}

/// A document of the kind that libvirt writes.
const DOMAIN: &str = "<domain type='kvm' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
  <name>web</name>
  <memory unit='KiB'>2097152</memory>
  <features><acpi/><apic/></features>
  <devices>
    <disk type='file' device='disk'>
      <source file='/var/lib/a &amp; b.qcow2'/>
      <target dev='vda' bus='virtio'/>
      <readonly/>
    </disk>
    <interface type='network'/>
    <disk type='block'/>
  </devices>
  <qemu:commandline><qemu:arg value='-x'/><qemu:arg value='-y'/></qemu:commandline>
</domain>
";

#[test]
fn a_domain_goes_there_and_back() {
    let value = read(DOMAIN);
    assert_eq!(value.get_str("domain.memory.@unit").unwrap(), "KiB");
    assert_eq!(
        value.get_str("domain.devices.disk.0.source.@file").unwrap(),
        "/var/lib/a & b.qcow2"
    );
    assert_eq!(value.get_str("domain.qemu:commandline.qemu:arg.1.@value").unwrap(), "-y");
    assert!(value.get_bool("domain.features.acpi").unwrap());
    let text = to_xml(&value).unwrap();
    assert!(text.starts_with("<domain type=\"kvm\" xmlns:qemu=\"http"));
    assert_eq!(read(&text), value);
}

/// That a value from XML comes back the same, in the same order.
fn assert_stable(value: &Value) -> std::result::Result<(), TestCaseError> {
    let text = to_xml(value).expect("what was read can be written");
    let back = from_xml(&text).expect("what was written can be read");
    prop_assert_eq!(&back, value, "{}", text);
    prop_assert_eq!(back.to_json(false).unwrap(), value.to_json(false).unwrap());
    prop_assert_eq!(&to_xml(&back).unwrap(), &text);
    prop_assert_eq!(check(&text), Ok(()));
    Ok(())
}

/// Makes a value of what it is shown.
#[derive(Default)]
struct Maker {
    /// The lists and maps that are open: how many items were announced, and the items
    /// with their keys, of which lists have none.
    open: Vec<(usize, Value, Option<String>)>,
    key: Option<String>,
    made: Option<Value>,
}

impl Maker {
    fn add(&mut self, value: Value) {
        match self.open.last_mut() {
            None => assert!(self.made.replace(value).is_none(), "there is one document"),
            Some((_, Value::List(items), _)) => items.push(value),
            Some((_, Value::Map(map), _)) => {
                let key = self.key.take().expect("a key before each item");
                assert!(map.insert(key, value).is_none(), "no key comes twice");
            }
            Some(other) => panic!("{other:?} has no items"),
        }
    }

    fn begin(&mut self, count: usize, container: Value) {
        self.open.push((count, container, self.key.take()));
    }
}

impl Visit for Maker {
    fn boolean(&mut self, truth: bool) {
        self.add(truth.into());
    }

    fn string(&mut self, text: &str) {
        self.add(text.into());
    }

    fn list(&mut self, count: usize) {
        self.begin(count, Value::List(Vec::new()));
    }

    fn map(&mut self, count: usize) {
        self.begin(count, Value::Map(crate::value::Map::new()));
    }

    fn key(&mut self, key: &str) {
        assert!(self.key.replace(key.to_owned()).is_none(), "a value after each key");
    }

    fn end(&mut self) {
        let (count, value, key) = self.open.pop().expect("something to end");
        let items = match &value {
            Value::Map(map) => map.len(),
            Value::List(items) => items.len(),
            _ => unreachable!("only lists and maps are open"),
        };
        assert_eq!(items, count, "as many items as were announced");
        self.key = key;
        self.add(value);
    }
}

/// That a visitor is shown the value of a document, or the same error.
fn assert_shown(text: &str, read: &Result<Value>) -> std::result::Result<(), TestCaseError> {
    let mut maker = Maker::default();
    match (visit_xml(text, &mut maker), read) {
        (Ok(()), Ok(value)) => {
            let made = maker.made.expect("a value");
            prop_assert_eq!(made.to_json(false).unwrap(), value.to_json(false).unwrap());
        }
        (Err(shown), Err(read)) => {
            prop_assert_eq!(shown.to_string(), read.to_string());
            prop_assert!(maker.open.is_empty() && maker.made.is_none());
        }
        (shown, read) => return Err(TestCaseError::fail(format!("{shown:?} {read:?}"))),
    }
    Ok(())
}

#[test]
fn what_is_shown_has_the_order_of_the_document() {
    let texts = [
        "<a x='1'>t<b/>u<c y='&lt;'>1&amp;2</c><b>3</b><b z=''/></a>",
        "<a>&lt;<!-- c -->b<![CDATA[>]]> </a>",
    ];
    // More children than are searched one by one, most of them twice.
    let many: String = (0..50).map(|i| format!("<c{}>{i}</c{}>", i % 30, i % 30)).collect();
    for text in texts.iter().copied().chain([&*format!("<a>{many}{many}</a>")]) {
        let value = from_xml(text);
        assert!(value.is_ok(), "{text}");
        assert_shown(text, &value).unwrap();
    }
    let value = read(&format!("<a>{many}</a>"));
    assert_eq!(value.get_map("a").unwrap().len(), 31, "and their order");
    assert_eq!(value.get_map("a").unwrap().get_index(29).unwrap().0, "c29");
    assert_eq!(value.get_str("a.c19.1").unwrap(), "49");
}

/// Documents with everything in them, as text.
pub(super) fn any_document() -> impl Strategy<Value = String> {
    let text = prop_oneof![
        "[a-c \n\r\t>'\"\u{A0}é😀-]{0,6}",
        Just("&amp;".to_owned()),
        Just("&#32;".to_owned()),
        Just("&#13;".to_owned()),
        Just("&#x1F600;".to_owned()),
        "<!\\[CDATA\\[[a<& \n]{0,4}\\]\\]>",
        Just("<!-- c -->".to_owned()),
        "<\\?(p|q:é)(\\?>| [a-c<>&;'\" \n\r\u{A0}é-]{0,6}\\?>)",
    ];
    let attributes =
        prop::collection::hash_map("[a-z:]{1,3}", "[a-c \n\t>'é]{0,4}(&(lt|#10|#9|quot);)?", 0..4)
            .prop_map(|map| map.iter().map(|(k, v)| format!(" {k}=\"{v}\"")).collect::<String>());
    let element = move |content: BoxedStrategy<String>| {
        ("[a-c]|q:d|é\\.-1", attributes.clone(), content).prop_map(|(name, attributes, content)| {
            if content.is_empty() {
                format!("<{name}{attributes}/>")
            } else {
                format!("<{name}{attributes}>{content}</{name} >")
            }
        })
    };
    let leaf = element(vec(text.clone(), 0..4).prop_map(|parts| parts.concat()).boxed()).boxed();
    leaf.prop_recursive(5, 40, 6, move |inner| {
        let part = prop_oneof![3 => inner, 2 => text.clone()];
        element(vec(part, 0..6).prop_map(|parts| parts.concat()).boxed()).boxed()
    })
}

/// What a document says, read without the rules for values: names, attributes and
/// content, where white space around text counts only between children.
#[derive(Debug, Default, PartialEq)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    content: Vec<Content>,
}

#[derive(Debug, PartialEq)]
enum Content {
    Text(String),
    Child(Element),
}

impl Element {
    fn of(text: &str) -> Element {
        let mut open = vec![Element::default()];
        let read = parts::take_apart(text, |part, _| {
            let last = open.len() - 1;
            match part {
                parts::Part::Start(name) => {
                    open.push(Element { name: name.to_owned(), ..Element::default() });
                }
                parts::Part::Attribute(name, value) => {
                    open[last].attributes.push((name.to_owned(), value.into_owned()));
                }
                parts::Part::Text(text) => match open[last].content.last_mut() {
                    Some(Content::Text(before)) => before.push_str(&text),
                    _ => open[last].content.push(Content::Text(text.into_owned())),
                },
                parts::Part::End => {
                    let element = open.pop().unwrap_or_default().settled();
                    open[last - 1].content.push(Content::Child(element));
                }
            }
            Ok(())
        });
        assert!(read.is_ok(), "{text}");
        open.pop().unwrap_or_default()
    }

    fn settled(mut self) -> Element {
        self.content.retain(|content| *content != Content::Text(String::new()));
        let is_text = |content: &Content| matches!(content, Content::Text(text) if !text.trim_ascii().is_empty());
        let is_child = |content: &Content| matches!(content, Content::Child(_));
        let first = self.content.iter().position(is_child).unwrap_or(self.content.len());
        if !self.content[first..].iter().any(is_text) {
            self.content.retain(|content| is_text(content) || is_child(content));
            if let Some(Content::Text(text)) = self.content.first_mut() {
                *text = text.trim_ascii().to_owned();
            }
        }
        self
    }
}

/// Every document in the files of a folder, whatever they are written in.
fn documents_in(folder: &std::path::Path, found: &mut Vec<String>) {
    const ROOTS: [&str; 10] = [
        "domain",
        "network",
        "pool",
        "volume",
        "secret",
        "filter",
        "interface",
        "device",
        "domainsnapshot",
        "disk",
    ];
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            documents_in(&path, found);
            continue;
        }
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        for root in ROOTS {
            let (begin, end) = (format!("<{root}"), format!("</{root}>"));
            for (at, _) in text.match_indices(&begin) {
                let Some(length) = text[at..].find(&end) else { continue };
                let document = &text[at..at + length + end.len()];
                if check(document).is_ok() {
                    found.push(document.to_owned());
                }
            }
        }
    }
}

#[test]
fn the_documents_of_the_project_come_back_as_they_were() {
    let mut documents = Vec::new();
    for folder in ["benches", "c-tests", "docs", "examples", "harness", "perl/t", "tests"] {
        documents_in(
            &std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(folder),
            &mut documents,
        );
    }
    assert!(documents.len() > 100, "only {} were found", documents.len());
    for text in documents {
        let written = to_xml(&read(&text)).expect(&text);
        assert_eq!(Element::of(&written), Element::of(&text), "{text}");
    }
}

/// Documents that are cut, doubled and overwritten in a few places.
pub(super) fn damaged_document() -> impl Strategy<Value = String> {
    let inserted = "[<>&;='\"/!?\\[\\]a -]{0,3}|<!--|-->|<!\\[CDATA\\[|<\\?xml|<!DOCTYPE a";
    let damage = vec((any::<prop::sample::Index>(), 0..3_usize, inserted), 1..4);
    (any_document(), damage).prop_map(|(text, damage)| {
        let mut chars: Vec<char> = text.chars().collect();
        for (at, removed, inserted) in damage {
            let at = at.index(chars.len() + 1);
            let end = (at + removed).min(chars.len());
            chars.splice(at..end, inserted.chars());
        }
        chars.into_iter().collect()
    })
}

proptest! {
    #[test]
    fn what_is_read_can_be_written_and_read_again(text in any_document()) {
        let value = from_xml(&text).map_err(|e| TestCaseError::fail(format!("{e}: {text}")))?;
        prop_assert_eq!(check(&text), Ok(()));
        prop_assert_eq!(Element::of(&to_xml(&value).unwrap()), Element::of(&text));
        assert_stable(&value)?;
        assert_shown(&text, &Ok(value))?;
    }

    /// Never a panic, and from_xml and check agree on what is well-formed.
    #[test]
    fn a_damaged_document_does_no_harm(
        text in damaged_document(),
    ) {
        let read = from_xml(&text);
        assert_shown(&text, &read)?;
        match (read, check(&text)) {
            (Ok(value), Ok(())) => assert_stable(&value)?,
            (Err(_), Err((line, column, _))) => prop_assert!(line >= 1 && column >= 1),
            (read, checked) => return Err(TestCaseError::fail(format!("{read:?} {checked:?}"))),
        }
    }

    #[test]
    fn no_text_upsets_the_reader(text in "([<>&;='\"/!?\\[\\]a# \n\r\\-]|<a>|</a>|<!--|-->|]]>|<!\\[CDATA\\[|<!DOCTYPE |<!ENTITY |<\\?xml |\u{FEFF}|é){0,20}") {
        prop_assert_eq!(from_xml(&text).is_ok(), check(&text).is_ok());
    }

    /// Any value at all: what can be written can be read, and settles then.
    #[test]
    fn what_is_written_can_be_read(value in any_value()) {
        let root = Value::Map([("root", value)].into_iter().collect());
        if let Ok(text) = to_xml(&root) {
            assert_stable(&from_xml(&text).expect("what was written can be read"))?;
        }
    }
}
