using System.Net;
using FsCheck;
using FsCheck.Fluent;
using NUnit.Framework;
using PonyCloud.Twilight.Storage.Images;

namespace PonyCloud.Twilight.Tests.Storage.Images;

public sealed class AddressPolicyTests
{
    // As numbers, so that the property does not lean on what it tests.
    private static readonly (uint First, uint Last)[] RefusedRanges =
    [
        (0x00000000, 0x00ffffff),
        (0x0a4d0000, 0x0a4dffff),
        (0x64400000, 0x647fffff),
        (0x7f000000, 0x7fffffff),
        (0xa9fe0000, 0xa9feffff),
        (0xc0000000, 0xc00000ff),
        (0xc6120000, 0xc613ffff),
        (0xcb007109, 0xcb007109),
        (0xe0000000, 0xffffffff),
    ];

    private static readonly AddressPolicy Policy = new(
        [IPNetwork.Parse("10.77.0.0/16"), IPNetwork.Parse("2001:db8:77::/48")],
        () => [IPAddress.Parse("203.0.113.9"), IPAddress.Parse("2001:db8::9%3")]);

    // Numbers all over the space, and numbers at the edges of what is refused.
    private static Gen<uint> AnyAddress => Gen.OneOf(
        from high in Gen.Choose(0, 0xffff)
        from low in Gen.Choose(0, 0xffff)
        select ((uint)high << 16) | (uint)low,
        from range in Gen.Elements(RefusedRanges)
        from edge in Gen.Elements(range.First, range.Last)
        from step in Gen.Choose(-1, 1)
        select unchecked(edge + (uint)step));

    [TestCase("127.0.0.1", "loopback")]
    [TestCase("::1", "loopback")]
    [TestCase("::ffff:127.0.0.1", "loopback")]
    [TestCase("::127.0.0.1", "unspecified")]
    [TestCase("::", "unspecified")]
    [TestCase("169.254.169.254", "link-local")]
    [TestCase("fe80::1%2", "link-local")]
    [TestCase("100.100.100.200", "of the carrier")]
    [TestCase("224.0.0.1", "multicast")]
    [TestCase("ff02::1", "multicast")]
    [TestCase("64:ff9b::7f00:1", "loopback")]
    [TestCase("64:ff9b:1::1", "NAT64 of a site")]
    [TestCase("2002:7f00:1::", "loopback")]
    [TestCase("2001:0:53aa:64c::1", "Teredo")]
    [TestCase("2001:db8::5efe:127.0.0.1", "loopback")]
    [TestCase("2001:db8::200:5efe:127.0.0.1", "loopback")]
    [TestCase("10.77.1.2", "the platform's own")]
    [TestCase("::ffff:10.77.1.2", "the platform's own")]
    [TestCase("2001:db8:77::5", "the platform's own")]
    [TestCase("203.0.113.9", "the platform's own")]
    [TestCase("2002:cb00:7109::1", "the platform's own")]
    [TestCase("2001:db8::9", "the platform's own")]
    public void An_address_that_leads_into_the_platform_is_refused(string address, string what) =>
        Assert.That(Policy.WhyRefused(IPAddress.Parse(address)), Is.EqualTo(what));

    [TestCase("198.51.100.1")]
    [TestCase("10.0.0.1")]
    [TestCase("172.16.0.1")]
    [TestCase("192.168.0.1")]
    [TestCase("fd00::1")]
    [TestCase("2001:db8::1")]
    [TestCase("2001:db8::5efe:198.51.100.1")]
    [TestCase("64:ff9b::c633:6401")]
    public void Others_are_allowed_private_ones_as_well(string address) =>
        Assert.That(Policy.WhyRefused(IPAddress.Parse(address)), Is.Null);

    [Test]
    public void An_IPv4_address_is_judged_alike_in_whatever_form_it_comes() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(2000),
        Prop.ForAll(Arb.From(AnyAddress), number =>
        {
            var isRefused = RefusedRanges.Any(range => number >= range.First && number <= range.Last);
            return Forms(number).All(form => Policy.WhyRefused(form) is not null == isRefused);
        }));

    [Test]
    public void Own_addresses_are_asked_for_each_time()
    {
        var own = new List<IPAddress>();
        var policy = new AddressPolicy([], () => own);
        Assert.That(policy.WhyRefused(IPAddress.Parse("198.51.100.1")), Is.Null);
        own.Add(IPAddress.Parse("198.51.100.1"));
        Assert.That(policy.WhyRefused(IPAddress.Parse("198.51.100.1")), Is.Not.Null);
    }

    private static IEnumerable<IPAddress> Forms(uint number)
    {
        var text = new IPAddress([(byte)(number >> 24), (byte)(number >> 16), (byte)(number >> 8), (byte)number]).ToString();
        var (high, low) = ($"{number >> 16:x}", $"{number & 0xffff:x}");
        yield return IPAddress.Parse(text);
        yield return IPAddress.Parse($"::ffff:{text}");
        yield return IPAddress.Parse($"::ffff:0:{text}");
        yield return IPAddress.Parse($"64:ff9b::{text}");
        yield return IPAddress.Parse($"2002:{high}:{low}::1");
        yield return IPAddress.Parse($"2001:db8:1::5efe:{text}");
        yield return IPAddress.Parse($"2001:db8:1::200:5efe:{text}");
    }
}
