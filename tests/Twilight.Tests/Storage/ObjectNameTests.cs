using NUnit.Framework;
using PonyCloud.Twilight.Storage;

namespace PonyCloud.Twilight.Tests.Storage;

public sealed class ObjectNameTests
{
    private static readonly Guid Uuid = Guid.Parse("0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10");
    private static readonly string Worker = ObjectName.WorkerOf(
        Guid.Parse("9ece4546-1199-42b0-acf5-1b68f393683a"), Guid.Parse("c9aef0f7-2b8e-4b07-b8f4-4fb49ed2cd0a"));

    private static IEnumerable<TestCaseData> Names =>
    [
        new(ObjectName.Volume(Uuid, 1), "volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.1"),
        new(ObjectName.Volume(Uuid, 12) with { Worker = Worker },
            "volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.12.partial-3c3f0ea51aebc9aef0f7"),
        new(ObjectName.Image(Uuid), "image-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10"),
        new(ObjectName.Image(Uuid) with { Worker = Worker }, "image-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.partial-3c3f0ea51aebc9aef0f7"),
    ];

    [TestCaseSource(nameof(Names))]
    public void A_name_is_a_text_and_the_text_is_that_name(ObjectName name, string text)
    {
        Assert.That(name.ToString(), Is.EqualTo(text));
        Assert.That(ObjectName.Parse(text), Is.EqualTo(name));
    }

    [Test]
    public void A_partial_object_tells_whose_it_is_also_among_hosts_whose_uuids_begin_alike()
    {
        var host = Guid.Parse("4c4c4544-0037-4a10-8051-b7c04f4d3532");
        var other = Guid.Parse("4c4c4544-0037-4a10-8051-b7c04f4d3533");

        var partial = ObjectName.Volume(Uuid, 1) with { Worker = ObjectName.WorkerOf(host, Guid.NewGuid()) };

        Assert.That((partial.IsOf(host), partial.IsOf(other), partial.Published.IsOf(host)), Is.EqualTo((true, false, false)));
        Assert.That(ObjectName.WorkerOf(host, Guid.NewGuid()), Is.Not.EqualTo(partial.Worker));
    }

    [TestCase("debian.qcow2")]
    [TestCase("volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10")]
    [TestCase("volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.0")]
    [TestCase("volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.01")]
    [TestCase("volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.1234567890")]
    [TestCase("volume-0B7E6A52-95A1-4A7E-8A49-6D3C2A1F5E10.1")]
    [TestCase("volume-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.1\n")]
    [TestCase("image-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.1")]
    [TestCase("image-0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10.partial-x")]
    [TestCase("")]
    public void Whatever_is_called_otherwise_is_not_the_platforms(string text) => Assert.That(ObjectName.Parse(text), Is.Null);
}
