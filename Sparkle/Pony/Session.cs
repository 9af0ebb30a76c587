using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Profiles;
using PonyCloud.Pony.Schema;

namespace PonyCloud.Pony;

/// <summary>One command's dealings with one server: the profile, the tokens and the catalog, each fetched when it is first needed.</summary>
internal sealed class Session(Terminal terminal, ProfileStore store, string profileName, string? tenant, OutputFormat format) : IDisposable
{
    private readonly Dictionary<string, string> _tenantTokens = new(StringComparer.Ordinal);
    private Profile? _profile;
    private ApiClient? _client;
    private Catalog? _catalog;
    private string? _tenantKey;

    public Terminal Terminal { get; } = terminal;

    public ProfileStore Store { get; } = store;

    public string ProfileName { get; } = profileName;

    public OutputFormat Format { get; } = format;

    public Progress Progress { get; } = new(terminal);

    /// <summary>Which tenant is meant, by name or uuid; null when none was chosen.</summary>
    public string? ChosenTenant => tenant ?? Terminal.Variable("PONY_TENANT") ?? Profile.Tenant;

    /// <exception cref="PonyException">There is none.</exception>
    public Profile Profile => _profile ??= Store.Find(ProfileName) ?? throw new PonyException(
        ExitCode.NotAuthenticated,
        ProfileName == ProfileStore.DefaultName
            ? "Not logged in. Begin with: pony login --server https://cloud.example:9860 you@example.com"
            : $"There is no profile {ProfileName}. pony login --profile {ProfileName} makes it, pony use lists those that there are.");

    public ApiClient Client => _client ??= Open(Profile.Server, Profile.CaFile, Profile.Insecure);

    public ApiClient Open(Uri server, string? caFile, bool insecure) =>
        new(ServerConnection.Open(server, caFile, insecure), Terminal.Time, Progress.Show);

    public async Task<Catalog> CatalogAsync(CancellationToken cancellation) =>
        _catalog ??= Catalog.Read((await Client.SendAsync(ApiRequest.Get("/schema"), cancellation)).Json);

    /// <summary>The uuid of the tenant that is meant: the chosen one, or the only one there is.</summary>
    /// <exception cref="PonyException">It cannot be told which.</exception>
    public async Task<string> TenantAsync(CancellationToken cancellation)
    {
        if (_tenantKey is not null)
            return _tenantKey;
        var tenants = (await CatalogAsync(cancellation)).Root("tenant")
            ?? throw PonyException.Usage("This server has no tenants.");
        if (ChosenTenant is { } chosen)
            return _tenantKey = await new Locator(this).FindKeyAsync(new Location(tenants, []), chosen, cancellation);
        var rows = await ListAsync(new Location(tenants, []), cancellation);
        return _tenantKey = rows.Rows.Count switch
        {
            1 => rows.Rows.Single().Key,
            0 => throw PonyException.Usage("This is of a tenant, and you are a member of none."),
            _ => throw PonyException.Usage("Of which tenant? Say --tenant NAME, or pony use --tenant NAME once for all. With a slash in front a path begins at the root."),
        };
    }

    /// <summary>Sends a request as whoever may: the user, or the tenant that the path is of.</summary>
    /// <param name="asTenant">The tenant when the path does not say it.</param>
    public async Task<ApiAnswer> SendAsync(ApiRequest request, CancellationToken cancellation, string? asTenant = null)
    {
        try
        {
            var answer = await Client.SendAsync(request with { Authorization = await TokenAsync(request, asTenant, cancellation) }, cancellation);
            if (answer.IsJournaled)
                Note("The database is away. The order stands in the controller's journal and is carried out; the database follows when it is back.");
            return answer;
        }
        catch (ProblemException exception) when (exception.Problem.Status == 401)
        {
            throw LoggedOut(exception);
        }
    }

    /// <summary>Opens a stream that goes on for as long as it is read.</summary>
    public async Task<HttpResponseMessage> OpenAsync(ApiRequest request, string accept, string? asTenant, CancellationToken cancellation) =>
        await Client.OpenAsync(request with { Authorization = await TokenAsync(request, asTenant, cancellation) }, accept, cancellation);

    /// <summary>Sends a request once, and returns its answer, which may be a failure.</summary>
    public async Task<HttpResponseMessage> ExchangeAsync(ApiRequest request, string accept, CancellationToken cancellation)
    {
        var authorization = await TokenAsync(request, null, cancellation);
        var answer = await Client.ExchangeAsync(request with { Authorization = authorization }, accept, cancellation);
        if (answer.StatusCode != HttpStatusCode.Unauthorized)
            return answer;
        answer.Dispose();
        throw LoggedOut(null);
    }

    public Task<ApiAnswer> GetAsync(Location location, CancellationToken cancellation) => SendAsync(ApiRequest.Get(location.Path), cancellation);

    /// <summary>All rows of a collection, page after page.</summary>
    /// <param name="query">Such as <c>?state=running</c>.</param>
    public async Task<Listing> ListAsync(Location collection, CancellationToken cancellation, string query = "")
    {
        var answer = await SendAsync(ApiRequest.Get(collection.Path + query), cancellation);
        if (answer.NextPage is null)
            return new Listing(answer.Json, answer.Text);
        var rows = answer.Json;
        while (answer.NextPage is { } next)
        {
            // Only a path of this API: an answer does not send us, and our token, elsewhere.
            if (!next.StartsWith(ApiClient.Root + "/", StringComparison.Ordinal))
                throw new PonyException(ExitCode.Unavailable, "The server's answer says that there is more at a place that is not its own.");
            answer = await SendAsync(ApiRequest.Get(next[ApiClient.Root.Length..]), cancellation);
            foreach (var (key, row) in answer.Json)
                rows[key] = row?.DeepClone();
        }
        return new Listing(rows, JsonText.Write(rows));
    }

    /// <summary>Says something to people, beside what the command answers.</summary>
    public void Note(string text)
    {
        Progress.Clear();
        Terminal.Error.WriteLine("pony: " + Printable.Lines(text));
    }

    /// <summary>Asks before something that cannot be taken back. Who cannot be asked has to have said it beforehand.</summary>
    /// <exception cref="PonyException">It was not agreed to.</exception>
    public async Task ConfirmAsync(string question, bool yes, CancellationToken cancellation)
    {
        if (yes)
            return;
        if (!Terminal.IsInputTerminal || !Terminal.IsErrorTerminal)
            throw PonyException.Usage($"{question} Say --yes when it is meant.");
        Progress.Clear();
        await Terminal.Error.WriteAsync($"{Printable.Lines(question)} [y/N] ");
        // On a thread of its own: a line that never comes must not hold up Ctrl-C.
        var answer = await Task.Run(() => Terminal.Input.ReadLine(), CancellationToken.None).WaitAsync(cancellation);
        if (answer?.Trim().ToUpperInvariant() is not ("Y" or "YES"))
            throw new PonyException(ExitCode.Usage, "Nothing was done.");
    }

    public void Dispose()
    {
        Progress.Clear();
        _client?.Dispose();
    }

    public static AuthenticationHeaderValue Basic(string email, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{email}:{password}")));

    private async Task<AuthenticationHeaderValue> TokenAsync(ApiRequest request, string? asTenant, CancellationToken cancellation)
    {
        var user = new AuthenticationHeaderValue("Bearer", Profile.Token);
        // An operator may do everything as themselves, and more than as the tenant.
        if (Profile.Alicorn || (asTenant ?? TenantOf(request)) is not { } key)
            return user;
        if (!_tenantTokens.TryGetValue(key, out var token))
        {
            var answer = await Client.SendAsync(
                new ApiRequest(HttpMethod.Post, $"/tenant/{key}/token") { Authorization = user }, cancellation);
            token = answer.Json["token"]?.GetValue<string>()
                ?? throw new PonyException(ExitCode.Unavailable, "The server gave no token for the tenant.");
            _tenantTokens.Add(key, token);
        }
        return new AuthenticationHeaderValue("Bearer", token);
    }

    private PonyException LoggedOut(Exception? cause) =>
        new(ExitCode.NotAuthenticated, $"{Profile.Server} no longer takes this login. Log in again: pony login", cause);

    // What is in a tenant takes a token for it; the tenant's own row only to change it.
    private static string? TenantOf(ApiRequest request)
    {
        var segments = request.Path.Split('?')[0].Split('/', StringSplitOptions.RemoveEmptyEntries);
        return segments is ["tenant", var key, ..] && (segments.Length > 2 || request.Method != HttpMethod.Get) ? key : null;
    }
}

/// <summary>A collection as it was read.</summary>
/// <param name="Rows">By key.</param>
/// <param name="Text">The same as it came.</param>
internal sealed record Listing(JsonObject Rows, string Text);
