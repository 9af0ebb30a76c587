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
