using NUnit.Framework;
using PonyCloud.TestKit.Processes;
using PonyCloud.Twilight.Storage;
using PonyCloud.Twilight.Storage.Pools;

namespace PonyCloud.Twilight.Tests.Storage.Pools;

/// <summary>
/// The XML of pools and secrets, compared with the files in Golden. To accept a change on purpose, run the tests with
/// PONYCLOUD_UPDATE_GOLDEN=1 and read the difference.
/// </summary>
public sealed class PoolXmlTests
{
    private static readonly Guid Pool = Guid.Parse("6b3cfa2e-9b07-4c9c-9d3c-0f6f3f0d4a52");
    private static readonly Guid Secret = Guid.Parse("0b7e6a52-95a1-4a7e-8a49-6d3c2a1f5e10");
    private static readonly StorageServer Server = new("storage.example.com");
    private static readonly StorageServer Portal = new("10.0.0.1", 3260);

    private static IEnumerable<TestCaseData> Sources =>
    [
        new("dir.xml", new PoolSource.Directory("/srv/volumes & more")),
        new("logical.xml", new PoolSource.VolumeGroup("vg0")),
        new("nfs.xml", new PoolSource.Export(Server, "/export/volumes", "/run/ponycloud/pools/a", "nfs", ["nosuid", "vers=4.2"])),
        new("iscsi.xml", new PoolSource.KernelTarget(Portal, "iqn.2026-01.com.example:a", null, null)),
        new("iscsi-direct.xml", new PoolSource.DirectTarget(
            Portal, "iqn.2026-01.com.example:a", "iqn.2026-01.com.example:host", new PoolLogin("pony", Secret))),
        new("rbd.xml", new PoolSource.CephPool(
            [new("10.0.0.1", 3300), new("fd00::2", 6789), Server], "volumes", new PoolLogin("pony", Secret))),
    ];

    [TestCaseSource(nameof(Sources))]
    public void Each_source_has_its_definition(string file, PoolSource source) => CompareWithGolden(file, PoolXml.For(Pool, source));

    [Test]
    public void A_secret_for_CHAP_is_ephemeral_and_private() => CompareWithGolden("secret-chap.xml", SecretXml.Chap(Secret));

    [Test]
    public void A_secret_for_cephx_is_ephemeral_and_private() => CompareWithGolden("secret-ceph.xml", SecretXml.Ceph(Secret));

    private static void CompareWithGolden(string file, string xml)
    {
        var path = Repository.At("tests", "Twilight.Tests", "Storage", "Pools", "Golden", file);
        if (Environment.GetEnvironmentVariable("PONYCLOUD_UPDATE_GOLDEN") == "1")
            File.WriteAllText(path, xml + "\n");
        Assert.That(xml + "\n", Is.EqualTo(File.ReadAllText(path)));
    }
}
