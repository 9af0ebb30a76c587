using NUnit.Framework;
using PonyCloud.Shared.Entities;

namespace PonyCloud.Shared.Tests.Entities;

[TestFixture]
public sealed class NetworkTextTests
{
    [TestCase("192.0.2.1", "192.0.2.1")]
    [TestCase("0.0.0.0", "0.0.0.0")]
    [TestCase("2001:DB8:0:0:0:0:0:1", "2001:db8::1")]
    [TestCase("::", "::")]
    [TestCase("::ffff:192.0.2.1", "::ffff:192.0.2.1")]
    [TestCase("192.0.2", null)]
    [TestCase("192.0.2.01", null)]
    [TestCase("192.0.2.256", null)]
    [TestCase("3221225985", null)]
    [TestCase("0xc0000201", null)]
    [TestCase("fe80::1%eth0", null)]
    [TestCase("[::1]", null)]
    [TestCase("192.0.2.1/32", null)]
    [TestCase(" 192.0.2.1", null)]
    [TestCase("", null)]
    [TestCase("example.org", null)]
    public void An_address_has_one_form(string text, string? form) => Assert.That(NetworkText.Address(text), Is.EqualTo(form));

    [TestCase("192.0.2.0/24", "192.0.2.0/24", true)]
    [TestCase("192.0.2.77/24", "192.0.2.0/24", false)]
    [TestCase("192.0.2.77/32", "192.0.2.77/32", true)]
    [TestCase("192.0.2.77/29", "192.0.2.72/29", false)]
    [TestCase("0.0.0.0/0", "0.0.0.0/0", true)]
    [TestCase("128.0.0.0/0", "0.0.0.0/0", false)]
    [TestCase("2001:DB8::/32", "2001:db8::/32", true)]
    [TestCase("2001:db8::1/128", "2001:db8::1/128", true)]
    [TestCase("2001:db8::1/127", "2001:db8::/127", false)]
    [TestCase("192.0.2.0", null, false)]
    [TestCase("192.0.2.0/33", null, false)]
    [TestCase("2001:db8::/129", null, false)]
    [TestCase("192.0.2.0/", null, false)]
    [TestCase("192.0.2.0/024", null, false)]
    [TestCase("192.0.2.0/+8", null, false)]
    [TestCase("192.0.2.0/255.255.255.0", null, false)]
    [TestCase("192.0.2/24", null, false)]
    [TestCase("/24", null, false)]
    public void A_network_has_one_form_without_bits_beyond_its_prefix(string text, string? form, bool isMasked)
    {
        Assert.That(NetworkText.Network(text, out var masked), Is.EqualTo(form));
        Assert.That(masked, Is.EqualTo(isMasked));
    }

    [TestCase("52:54:00:12:ab:ff", "52:54:00:12:ab:ff")]
    [TestCase("52-54-00-12-AB-FF", "52:54:00:12:ab:ff")]
    [TestCase("52:54-00:12:ab:ff", null)]
    [TestCase("525400:12:ab:ff", null)]
    [TestCase("52:54:00:12:ab", null)]
    [TestCase("52:54:00:12:ab:fg", null)]
    [TestCase("52.54.00.12.ab.ff", null)]
    [TestCase("52:54:00:12:ab:ff:00", null)]
    [TestCase("", null)]
    public void A_hardware_address_has_one_form(string text, string? form) =>
        Assert.That(NetworkText.HardwareAddress(text), Is.EqualTo(form));
}
