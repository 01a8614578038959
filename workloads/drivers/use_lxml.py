"""lxml: parse, XPath, an XSLT transformation, a schema that refuses, broken HTML, and 20,000 elements read incrementally."""

import io

from lxml import etree, html

STYLE = """<xsl:stylesheet version="1.0" xmlns:xsl="http://www.w3.org/1999/XSL/Transform">
<xsl:output method="text"/>
<xsl:template match="/shop"><xsl:for-each select="item"><xsl:sort select="@price" data-type="number" order="descending"/>
<xsl:value-of select="concat(@name, '=', @price * 2, ';')"/></xsl:for-each></xsl:template></xsl:stylesheet>"""
SCHEMA = """<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema"><xs:element name="n" type="xs:positiveInteger"/></xs:schema>"""


def transformed():
    shop = etree.fromstring('<shop><item name="tea" price="3"/><item name="rum" price="20"/><item name="oats" price="5"/></shop>')
    assert shop.xpath("sum(item/@price)") == 28.0
    assert shop.xpath("string(item[@price > $p]/@name)", p=10) == "rum"
    text = str(etree.XSLT(etree.fromstring(STYLE))(shop))
    assert text.split() == ["rum=40;oats=10;tea=6;"], text
    print("xslt", text.strip())


def validated():
    schema = etree.XMLSchema(etree.fromstring(SCHEMA))
    assert schema.validate(etree.fromstring("<n>7</n>")) and not schema.validate(etree.fromstring("<n>-7</n>"))
    print("schema", schema.error_log[0].type_name)


def broken():
    page = html.fromstring("<p>one<p>two <b>bold<i>both</b>")
    assert [p.text_content() for p in page.xpath("//p")] == ["one", "two boldboth"]
    try:
        etree.fromstring("<a><b></a>")
        raise AssertionError("mismatched tags were accepted")
    except etree.XMLSyntaxError as e:
        assert e.lineno == 1
    print("html", html.tostring(page).decode())


def incremental():
    data = b"<all>" + b"".join(b'<e id="%d"><v>%d</v></e>' % (i, i * 3) for i in range(20_000)) + b"</all>"
    total = 0
    for _, element in etree.iterparse(io.BytesIO(data), tag="e"):
        total += int(element.findtext("v"))
        element.clear()
    assert total == 3 * sum(range(20_000))
    print("iterparse", total)


transformed()
validated()
broken()
incremental()
