using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;

namespace PonyCloud.Sparkle.Tests.Api;

/// <summary>Every mount, every operation and every kind of token against a table written down here, mount by mount.</summary>
public sealed class AccessPolicyTests
{
    private const string Mine = "aaaaaaaa-0000-4000-8000-000000000001";
    private const string Foreign = "bbbbbbbb-0000-4000-8000-000000000001";
    private const string Me = "me@a.example";
    private const string Somebody = "somebody@b.example";

    private static readonly ResourceTree Tree = new(EntityCatalog.Load());

    private static readonly Dictionary<string, Caller> Callers = new()
    {
        ["alicorn"] = new Caller("alicorn@localhost", true, null, null),
        ["owner"] = new Caller(Me, false, Mine, MemberRole.Owner),
        ["admin"] = new Caller(Me, false, Mine, MemberRole.Admin),
        ["operator"] = new Caller(Me, false, Mine, MemberRole.Operator),
        ["member"] = new Caller(Me, false, null, null) { Memberships = [Mine] },
        ["nobody"] = new Caller(Me, false, null, null),
    };

    // What each may do with their own: r read, c create, u change, d delete; everything else is forbidden, and an
    // upper-case X says that it looks as if it were not there.
    private static readonly Dictionary<string, Dictionary<string, string>> Own = new()
    {
        ["/config"] = All("", ""),
        ["/cpu-profile"] = All("r", "r"),
        ["/disk"] = All("", ""),
        ["/disk/extent"] = All("", ""),
        ["/enrolment"] = All("", ""),
        ["/event"] = All("", ""),
        ["/host"] = All("", ""),
        ["/host-candidate"] = All("", ""),
        ["/host/cpu-profile"] = All("", ""),
        ["/host/disk"] = All("", ""),
        ["/host/event"] = All("", ""),
        ["/host/extent"] = All("", ""),
        ["/host/image"] = All("", ""),
        ["/host/instance"] = All("", ""),
        ["/host/migration"] = All("", ""),
        ["/host/orphan"] = All("", ""),
        ["/host/snapshot"] = All("", ""),
        ["/host/storage-pool"] = All("", ""),
        ["/host/switch"] = All("", ""),
        ["/host/tombstone"] = All("", ""),
        ["/host/vnic"] = All("", ""),
        ["/host/volume"] = All("", ""),
        ["/host/volume-copy"] = All("", ""),
        ["/image"] = All("r", "r"),
        ["/image/copy"] = All("", ""),
        ["/image/volume"] = All("", ""),
        ["/instance"] = All("r", "r"),
        ["/host/bond"] = All("", ""),
        ["/host/bond/nic"] = All("", ""),
        ["/host/bond/role"] = All("", ""),
        ["/host/bond-status"] = All("", ""),
        ["/host/nic"] = All("", ""),
        ["/host/nic-status"] = All("", ""),
        ["/host/role-status"] = All("", ""),
        ["/host/vlan"] = All("", ""),
        ["/instance/vnic"] = All("r", "r"),
        ["/switch"] = All("r", "r"),
        ["/switch/network"] = All("r", "r"),
        ["/switch/network/address"] = All("", ""),
        ["/switch/network/route"] = All("r", "r"),
        ["/switch/port"] = All("", ""),
        ["/switch/vnic"] = All("", ""),
        ["/instance/vdisk"] = All("r", "r"),
        ["/pool"] = All("r", "r"),
        ["/storage-pool"] = All("", ""),
        ["/storage-pool/disk"] = All("", ""),
        ["/storage-pool/extent"] = All("", ""),
        ["/storage-pool/host"] = All("", ""),
        ["/storage-pool/image-copy"] = All("", ""),
        ["/storage-pool/orphan"] = All("", ""),
        ["/storage-pool/tombstone"] = All("", ""),
        ["/storage-pool/volume"] = All("", ""),
        ["/orphan"] = All("", ""),
        ["/tenant"] = new() { ["owner"] = "ru", ["admin"] = "r", ["operator"] = "r", ["member"] = "r", ["nobody"] = "X" },
        ["/tenant/affinity-group"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/affinity-group/instance"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/image"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/image/volume"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/affinity-group"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/event"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/vnic"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/vnic/address"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/vnic/security-group"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/security-group"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/security-group/rule"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/security-group/vnic"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/switch"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/switch/network"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/switch/network/address"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/switch/network/route"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/switch/vnic"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/snapshot"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/instance/vdisk"] = InTenant("rcud", "rcud", "r"),
        ["/metering"] = All("", ""),
        ["/migration"] = All("", ""),
        ["/tenant/metering"] = InTenant("r", "r", "r"),
        ["/tenant/quota"] = InTenant("r", "r", "r"),
        ["/tenant/member"] = InTenant("rcud", "", ""),
        ["/tenant/volume"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/volume/snapshot"] = InTenant("rcud", "rcud", "r"),
        ["/tenant/volume/vdisk"] = InTenant("rcud", "rcud", "r"),
        ["/tombstone"] = All("", ""),
        ["/user"] = All("", "ru"),
        ["/user/member"] = All("", "r"),
    };

    [Test]
    public void Every_mount_is_in_the_table() =>
        Assert.That(Tree.All.Select(node => node.Mount.Path), Is.EquivalentTo(Own.Keys));

    [Test]
    public void Each_token_may_do_what_the_table_says(
        [Values("owner", "admin", "operator", "member", "nobody")] string who, [Values] Operation operation)
    {
        foreach (var (path, table) in Own)
        {
            var allowed = table[who];
            var decision = AccessPolicy.Decide(Callers[who], Node(path), Mine, Me, operation);
            var expected = allowed == "X" ? Verdict.NotFound : allowed.Contains(Letter(operation)) ? Verdict.Allowed : Verdict.Forbidden;
            Assert.That(decision.Verdict, Is.EqualTo(expected), $"{who} {operation} {path}");
        }
    }

    [Test]
    public void What_is_foreign_is_not_there([Values("owner", "admin", "operator", "member", "nobody")] string who, [Values] Operation operation)
    {
        foreach (var node in Tree.All.Where(node => node.TenantDepth >= 0 || (node.UserDepth >= 0 && Callers[who].Tenant is null)))
        {
            var decision = AccessPolicy.Decide(Callers[who], node, Foreign, Somebody, operation);
            Assert.That(decision, Is.EqualTo(Decision.NotFound), $"{who} {operation} {node.Mount.Path}");
        }
    }

    [Test]
    public void An_alicorn_may_do_everything([Values] Operation operation)
    {
        foreach (var node in Tree.All)
            Assert.That(AccessPolicy.Decide(Callers["alicorn"], node, Foreign, Somebody, operation), Is.EqualTo(Decision.Allowed));
    }

    [Test]
    public void Only_alicorns_make_tenants_and_users([Values("owner", "admin", "operator", "member", "nobody")] string who)
    {
        foreach (var path in new[] { "/tenant", "/user" })
            Assert.That(AccessPolicy.Decide(Callers[who], Node(path), null, null, Operation.Create).Verdict, Is.EqualTo(Verdict.Forbidden));
    }

    [Test]
    public void Nobody_comes_near_a_private_mount()
    {
        var entity = EntityBuilder.Named("secret", "Nothing to see.").KeyedBy("key").Stored<ConfigDesired>().Mount("/secret", Access.Private).Build();
        var others = new[] { new HostDeclaration().Declare() };
        var tree = new ResourceTree(new EntityCatalog([entity, .. others]));
        foreach (var caller in Callers.Values)
            Assert.That(AccessPolicy.Decide(caller, tree.All.Single(node => node.Entity == entity), null, null, Operation.Read), Is.EqualTo(Decision.NotFound));
        Assert.That(tree.Parse("secret/a"), Is.Null);
    }

    private static ResourceNode Node(string path) => Tree.All.Single(node => node.Mount.Path == path);

    private static char Letter(Operation operation) => operation switch
    {
        Operation.Read => 'r',
        Operation.Create => 'c',
        Operation.Change => 'u',
        _ => 'd',
    };

    private static Dictionary<string, string> All(string tenantTokens, string userTokens) => new()
    {
        ["owner"] = tenantTokens, ["admin"] = tenantTokens, ["operator"] = tenantTokens, ["member"] = userTokens, ["nobody"] = userTokens,
    };

    private static Dictionary<string, string> InTenant(string owner, string admin, string @operator) => new()
    {
        ["owner"] = owner, ["admin"] = admin, ["operator"] = @operator, ["member"] = "", ["nobody"] = "X",
    };
}
