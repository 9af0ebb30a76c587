using System.Net;
using Newtonsoft.Json.Linq;
using NUnit.Framework;
using PonyCloud.Shared.Entities;
using PonyCloud.Sparkle.Api;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.TestKit.Time;

namespace PonyCloud.Sparkle.Tests.Api.Authorization;

/// <summary>
/// Every endpoint of the catalog, every kind of token, every method: each cell is asked for over HTTP, and compared with
/// what the mode of the mount says in the table below. And whatever names another tenant's row answers as if there were none.
/// </summary>
public sealed class AuthorizationMatrixTests : ApiFixture
{
    private const string Outsider = "nobody@c.example";
    private const string Mine = "mine";
    private const string Foreign = "foreign";
    private const string Nobodys = "nobody's";

    private static readonly Dictionary<string, SampleWorld.Owner> Owners = new()
    {
        [Mine] = new(TenantA, Owner),
        [Foreign] = new(TenantB, Stranger),
        [Nobodys] = new(null, Alicorn),
    };

    private static readonly string[] Void = ["no token", "garbage", "expired", "revoked", "tampered", "of another key"];

    private static readonly string[] Valid =
        ["alicorn", "alicorn as owner", "owner", "admin", "operator", "owner elsewhere", "member", "outsider"];

    private static readonly string[] Methods = ["GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"];

    private ResourceTree _tree = null!;
    private SampleWorld _world = null!;
    private Dictionary<string, string?> _tokens = null!;

    [SetUp]
    public void Fill()
    {
        _tree = Service<ResourceTree>();
        _world = new SampleWorld(_tree, Owners);
        Database.Put(new UserDesired { Email = Outsider });
        foreach (var owner in Owners.Keys)
        {
            var rows = _world.Rows(owner).ToLookup(record => Database.Catalog.All.Any(entity => entity.Desired?.Type == record.GetType()));
            Database.Put([.. rows[true]]);
            Database.Report([.. rows[false]]);
        }
        _tokens = new Dictionary<string, string?>
        {
            ["no token"] = null,
            ["garbage"] = "owner",
            ["expired"] = Expired(),
            ["revoked"] = Revoked(),
            ["tampered"] = Tampered(Token(Alicorn)),
            ["of another key"] = new TokenService(new byte[32], TimeSpan.FromHours(1), Service<UserDirectory>(), Service<Revocations>(), TimeProvider.System)
                .Issue(User(Alicorn), null).Text,
            ["alicorn"] = Token(Alicorn),
            ["alicorn as owner"] = Token(Alicorn, TenantA),
            ["owner"] = Token(Owner, TenantA),
            ["admin"] = Token(Admin, TenantA),
            ["operator"] = Token(Operator, TenantA),
            ["owner elsewhere"] = Token(Stranger, TenantB),
            ["member"] = Token(Owner),
            ["outsider"] = Token(Outsider),
        };
    }

    [Test]
    public async Task Every_cell_is_as_the_mode_of_the_mount_says()
    {
        var cells = 0;
        foreach (var node in _tree.All.Where(node => node.Mount.Access != Access.Private))
        {
            foreach (var who in Void.Concat(Valid))
            {
                foreach (var method in Methods)
                {
                    await CheckAsync(node, who, method, isRow: false);
                    await CheckAsync(node, who, method, isRow: true);
                    cells += 2;
                }
            }
        }
        TestContext.Out.WriteLine($"{cells} cells");
    }

    [Test]
    public async Task A_foreign_path_answers_as_one_that_is_nowhere([Values("owner", "admin", "operator", "member")] string who)
    {
        foreach (var node in _tree.All.Where(node => node.TenantDepth >= 0))
        {
            foreach (var method in Methods.Where(method => method is not ("OPTIONS" or "PUT")))
            {
                var path = _world.Row(node, Foreign);
                var foreign = await AskAsync(method, path, who, Row(method));
                var nowhere = await AskAsync(method, path.Replace(TenantB.ToString(), Guid.NewGuid().ToString(), StringComparison.Ordinal), who, Row(method));
                Assert.That(foreign.ToString(), Is.EqualTo(nowhere.ToString()), $"{who} {method} {node.Mount.Path}");
                Assert.That(foreign.Status, Is.EqualTo(HttpStatusCode.NotFound).Or.EqualTo(HttpStatusCode.MethodNotAllowed));
                if (node.Depth == node.TenantDepth || who == "member")
                    continue;
                // Somebody else's row below the own tenant.
                var collection = _world.Collection(node, Mine);
                var stolen = await AskAsync(method, $"{collection}/{_world.Segment(node, Foreign)}", who, Row(method));
                var missing = await AskAsync(method, $"{collection}/{Guid.NewGuid()}", who, Row(method));
                Assert.That(stolen.ToString(), Is.EqualTo(missing.ToString()), $"{who} {method} {collection}");
            }
        }
    }

    [Test]
    public async Task A_reference_to_a_foreign_row_answers_as_one_to_none()
    {
        var references = 0;
        foreach (var (node, column) in References())
        {
            var (foreign, none) = (_world.Segment(Place(column), Foreign), Guid.NewGuid().ToString());
            await SameAsync(node, column, foreign, none, key => AskAsync("POST", _world.Collection(node, Mine), "owner", new JObject
            {
                ["desired"] = new JObject { [column.Name] = key },
            }));
            await SameAsync(node, column, foreign, none, key => AskAsync("PATCH", _world.Row(node, Mine), "owner", new JArray(new JObject
            {
                ["op"] = "add", ["path"] = $"/desired/{column.Name}", ["value"] = key,
            })));
            await SameAsync(node, column, foreign, none, key => AskAsync("PATCH", _world.Collection(node, Mine), "owner", new JArray(new JObject
            {
                ["op"] = "add", ["path"] = "/$a", ["value"] = new JObject { ["desired"] = new JObject { [column.Name] = key } },
            })));
            references++;
        }
        Assert.That(references, Is.GreaterThan(0));
    }

    [Test]
    public async Task A_filter_by_a_foreign_key_finds_what_a_filter_by_none_finds()
    {
        foreach (var node in _tree.All.Where(node => node.TenantDepth >= 0 && node.Depth > node.TenantDepth))
        {
            foreach (var column in Columns(node).Where(column => column.References is not null && node.Entity.Indexes.Contains(column.Name) && node.Shows(column)))
            {
                if (column.Name == node.Mount.ParentColumn)
                    continue;
                var foreign = column.References is "user" ? Stranger : _world.Segment(Place(column), Foreign);
                var none = column.References is "user" ? "none@d.example" : Guid.NewGuid().ToString();
                var path = _world.Collection(node, Mine);
                var found = await AskAsync("GET", $"{path}?{column.Name}={Uri.EscapeDataString(foreign)}", "owner", null);
                var nothing = await AskAsync("GET", $"{path}?{column.Name}={Uri.EscapeDataString(none)}", "owner", null);
                Assert.That(found.Status, Is.EqualTo(HttpStatusCode.OK), found.ToString());
                Assert.That(found.Text, Is.EqualTo(nothing.Text), $"{path}?{column.Name}");
            }
        }
    }

    private async Task CheckAsync(ResourceNode node, string who, string method, bool isRow)
    {
        var owner = node.TenantDepth >= 0 || node.UserDepth >= 0 ? Mine : Nobodys;
        var path = isRow ? _world.Row(node, owner) : _world.Collection(node, owner);
        var answer = await AskAsync(method, path, who, isRow ? Row(method) : Collection(method));
        var cell = $"{who}: {method} {(isRow ? "row" : "collection")} {node.Mount.Path}: {answer}";
        if (Void.Contains(who))
        {
            Assert.That(answer.Status, Is.EqualTo(HttpStatusCode.Unauthorized), cell);
            Assert.That(answer.Headers.WwwAuthenticate, Is.Not.Empty, cell);
            return;
        }
        var allowed = isRow || node.Depth > 0 ? OnRows(node, who) : OnRootCollection(node, who);
        var expected = method switch
        {
            "OPTIONS" => HttpStatusCode.NoContent,
            "PUT" => HttpStatusCode.MethodNotAllowed,
            "GET" or "HEAD" => Expected(allowed, 'r'),
            _ when !node.IsWritable => HttpStatusCode.MethodNotAllowed,
            "POST" => isRow ? HttpStatusCode.MethodNotAllowed : Expected(allowed, 'c'),
            "PATCH" => Expected(allowed, isRow ? 'u' : 'c'),
            _ => isRow ? Expected(allowed, 'd') : HttpStatusCode.MethodNotAllowed,
        };
        if (expected == HttpStatusCode.OK && method == "DELETE")
            expected = HttpStatusCode.PreconditionFailed;
        else if (expected == HttpStatusCode.OK && method is "POST" or "PATCH")
            expected = HttpStatusCode.UnprocessableEntity;
        Assert.That(answer.Status, Is.EqualTo(expected), cell);
    }

    private static HttpStatusCode Expected(string allowed, char operation) =>
        allowed == "X" ? HttpStatusCode.NotFound : allowed.Contains(operation) ? HttpStatusCode.OK : HttpStatusCode.Forbidden;

    // r read, c create, u change, d delete; all else is forbidden, and X looks as if it were not there.
    private static string OnRows(ResourceNode node, string who) => (node.Mount.Access, who) switch
    {
        (_, "alicorn") => "rcud",
        (Access.Protected, _) => "",
        (Access.Shared, _) => "r",
        (Access.TenantUser or Access.TenantOwner or Access.TenantReadOnly, "outsider" or "owner elsewhere") => "X",
        (Access.TenantUser, "owner" or "alicorn as owner") when node.Depth == node.TenantDepth => "ru",
        (Access.TenantUser, _) when node.Depth == node.TenantDepth => "r",
        (Access.TenantUser or Access.TenantOwner or Access.TenantReadOnly, "member") => "",
        (Access.TenantReadOnly, _) => "r",
        (_, "owner" or "alicorn as owner") when node.TenantDepth >= 0 => "rcud",
        (Access.TenantUser, "admin") => "rcud",
        (Access.TenantUser, "operator") => "r",
        (Access.TenantOwner, _) => "",
        (_, "owner" or "alicorn as owner" or "admin" or "operator" or "owner elsewhere") => "",
        (_, "outsider") => "X",
        (Access.UserReadWrite, "member") => node.Depth == node.UserDepth ? "ru" : "rcud",
        (Access.UserReadOnly, "member") => "r",
        _ => throw new AssertionException($"{node.Mount.Path} for {who} is not in the table"),
    };

    // Everybody lists tenants and users, and is shown their own.
    private static string OnRootCollection(ResourceNode node, string who) => (node.Mount.Access, who) switch
    {
        (Access.TenantUser, not "alicorn") => "r",
        (Access.UserReadWrite, "member" or "outsider") => "r",
        _ => OnRows(node, who),
    };

    // What may be asked for and cannot be done, so that no cell spoils the next: a field that no row has, a row without
    // what it needs, and the removal of a version that never was.
    private static JArray? Row(string method) => method == "PATCH" ? Adding("/desired/no_such_field", 1) : null;

    private static JToken? Collection(string method) => method switch
    {
        "PATCH" => Adding("/$a", new JObject { ["desired"] = new JObject { ["no_such_field"] = 1 } }),
        "POST" => new JObject { ["desired"] = new JObject { ["no_such_field"] = 1 } },
        _ => null,
    };

    private static JArray Adding(string path, JToken value) =>
        [new JObject { ["op"] = "add", ["path"] = path, ["value"] = value }];

    private Task<Answer> AskAsync(string method, string path, string who, JToken? body) => SendAsync(
        new HttpMethod(method), path, _tokens[who], method is "POST" or "PATCH" ? (body ?? new JObject()).ToString() : null,
        method == "PATCH" ? "application/json-patch+json" : "application/json",
        method == "DELETE" ? ("If-Match", "\"0.0\"") : null);

    private static async Task SameAsync(ResourceNode node, Column column, string foreign, string none, Func<string, Task<Answer>> ask)
    {
        var (found, missing) = (await ask(foreign), await ask(none));
        Assert.That(
            found.ToString().Replace(foreign, "KEY", StringComparison.Ordinal),
            Is.EqualTo(missing.ToString().Replace(none, "KEY", StringComparison.Ordinal)),
            $"{node.Mount.Path} {column.Name}");
        Assert.That(found.Text, Does.Contain($"There is no such {column.References}."), found.ToString());
        Assert.That((int)found.Status, Is.InRange(400, 499), found.ToString());
    }

    // Columns in which a tenant may name rows that belong to tenants.
    private IEnumerable<(ResourceNode Node, Column Column)> References() =>
        from node in _tree.All
        where node.IsWritable && node.TenantDepth >= 0 && node.Depth > node.TenantDepth && node.Mount.Access != Access.TenantReadOnly
        from column in Columns(node)
        where column.References is not (null or "user" or "tenant") && column.Name != node.Mount.ParentColumn && node.Shows(column)
            && Places(column).Any()
        select (node, column);

    private static IEnumerable<Column> Columns(ResourceNode node) => node.Entity.Desired?.Columns ?? [];

    private IEnumerable<ResourceNode> Places(Column column) =>
        _tree.NodesOf(Database.Catalog[column.References!]).Where(node => node.TenantDepth >= 0);

    private ResourceNode Place(Column column) => _tree.NodesOf(Database.Catalog[column.References!])[0];

    private UserDesired User(string email) => Service<UserDirectory>().FindUser(Database.Snapshot!, email)!;

    // That clock stands where nobody who runs this is any more.
    private string Expired() => new TokenService(
        TokenKey.LoadOrCreate(Service<ApiOptions>().DataDirectory),
        TimeSpan.FromHours(1),
        Service<UserDirectory>(),
        Service<Revocations>(),
        new ManualTime()).Issue(User(Alicorn), null).Text;

    private string Revoked()
    {
        var token = Token(Alicorn);
        using var request = new HttpRequestMessage(HttpMethod.Delete, "/api/v1/token");
        request.Headers.Authorization = new System.Net.Http.Headers.AuthenticationHeaderValue("Bearer", token);
        using var response = Http.Send(request);
        Assert.That(response.IsSuccessStatusCode, Is.True);
        return token;
    }

    // The payload of another token under this one's signature.
    private string Tampered(string token)
    {
        var parts = token.Split('.');
        return $"{parts[0]}.{Token(Owner).Split('.')[1]}.{parts[2]}";
    }
}
