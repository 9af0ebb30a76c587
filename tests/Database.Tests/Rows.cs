using PonyCloud.Shared.Entities;

namespace PonyCloud.Database.Tests;

/// <summary>Records to write, each with everything valid.</summary>
internal static class Rows
{
    public static TenantDesired Tenant(string name = "Ponyville") => new() { Uuid = Guid.NewGuid(), Name = name };

    public static HostDesired Host(string name = "cloudsdale") => new() { Uuid = Guid.NewGuid(), Name = name };

    /// <summary>Z85 text of a key's length; no key that anybody holds.</summary>
    public static string AgentKey(char digit) => new(digit, 40);

    public static EnrolmentDesired Enrolment(char digit = 'e') => new()
    {
        Hash = new string(digit, 64),
        Expires = DateTimeOffset.UnixEpoch.AddYears(90),
    };

    public static CpuProfileDesired CpuProfile() => new()
    {
        Uuid = Guid.NewGuid(), Name = "small", Model = "qemu64", Features = TextList.Of(["avx", "sse4.2"]),
    };

    public static UserDesired User(string email = "pinkie@sugarcube.example") => new() { Email = email };

    public static MemberDesired Member(UserDesired user, TenantDesired tenant) => new()
    {
        Uuid = Guid.NewGuid(), User = user.Email, Tenant = tenant.Uuid, Role = MemberRole.Owner,
    };

    public static InstanceDesired Instance(TenantDesired tenant, string name = "web") => new()
    {
        Uuid = Guid.NewGuid(), Tenant = tenant.Uuid, Name = name, Vcpu = 2, Rcpu = 1, Mem = 512,
    };

    public static BondDesired Bond(HostDesired host) => new() { Uuid = Guid.NewGuid(), Host = host.Uuid, Mode = BondMode.Lacp };

    public static NicDesired Nic(HostDesired host) => new() { Hwaddr = "52:54:00:12:ab:ff", Host = host.Uuid };

    public static NetRoleDesired NetRole(BondDesired bond) => new()
    {
        Uuid = Guid.NewGuid(),
        Bond = bond.Uuid,
        Role = Shared.Entities.NetRole.Virtual,
        Address = "2001:db8::10",
        Prefix = 64,
    };

    public static SwitchDesired Switch(TenantDesired? tenant, string name = "lan") => new()
    {
        Uuid = Guid.NewGuid(),
        Tenant = tenant?.Uuid,
        Name = name,
    };

    public static NetworkDesired Network(SwitchDesired on) => new() { Uuid = Guid.NewGuid(), Switch = on.Uuid, Range = "198.51.100.0/24" };

    public static RouteDesired Route(NetworkDesired network) => new()
    {
        Uuid = Guid.NewGuid(),
        Network = network.Uuid,
        Route = "203.0.113.0/24",
        Via = "198.51.100.254",
    };

    public static VnicDesired Vnic(InstanceDesired instance, SwitchDesired on) => new()
    {
        Uuid = Guid.NewGuid(),
        Instance = instance.Uuid,
        Switch = on.Uuid,
    };

    public static AddressDesired Address(NetworkDesired network) => new() { Uuid = Guid.NewGuid(), Network = network.Uuid };

    public static StoragePoolDesired StoragePool(string name = "fast") => new()
    {
        Uuid = Guid.NewGuid(),
        Name = name,
        Type = StoragePoolType.Dir,
        Config = JsonText.Parse("""{"path":"/srv"}"""),
    };

    public static VolumeDesired Volume(TenantDesired tenant, StoragePoolDesired pool, string name = "root") => new()
    {
        Uuid = Guid.NewGuid(),
        Tenant = tenant.Uuid,
        Name = name,
        Size = 10,
        StoragePool = pool.Uuid,
    };

    /// <summary>Far more than any test orders.</summary>
    public static QuotaDesired Quota(TenantDesired tenant, ResourceType type) => new()
    {
        Uuid = Guid.NewGuid(),
        Tenant = tenant.Uuid,
        Type = type,
        Limit = 1_000_000_000,
    };

    /// <summary>By which a tenant may use a pool.</summary>
    public static QuotaDesired Quota(TenantDesired tenant, StoragePoolDesired pool) =>
        Quota(tenant, ResourceType.Storage) with { StoragePool = pool.Uuid };

    public static HostInstanceDesired Place(HostDesired host, InstanceDesired instance) => new() { Host = host.Uuid, Instance = instance.Uuid };

    public static ConfigDesired Config(string key, string json) => new() { Key = key, Value = JsonText.Parse(json) };

    public static EventDesired Event(char digit = 'a') => new()
    {
        Hash = new string(digit, 64),
        Ctime = DateTimeOffset.UnixEpoch,
        Mtime = DateTimeOffset.UnixEpoch.AddDays(1),
        Count = 1,
        Type = "instance-crashed",
        Severity = EventSeverity.Warning,
        Data = JsonText.Parse("""{"b": 1, "a": [1.50, "ü\u0000"]}"""),
    };
}
