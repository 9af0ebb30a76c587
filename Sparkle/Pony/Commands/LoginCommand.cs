using System.CommandLine;
using System.Text.Json.Nodes;
using PonyCloud.Pony.Http;
using PonyCloud.Pony.Output;
using PonyCloud.Pony.Profiles;

namespace PonyCloud.Pony.Commands;

/// <summary>Turns a password into a token, and keeps that. The password goes nowhere else.</summary>
internal static class LoginCommand
{
    public static Command Make(GlobalOptions options)
    {
        var email = new Argument<string?>("email")
        {
            Description = "Your email address; the one of the last login when left out.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var server = new Option<string?>("--server") { Description = "Address, such as https://cloud.example:9860.", HelpName = "URL" };
        var file = new Option<string?>("--password-file") { Description = "Read the password from a file, or with - from standard input, instead of asking.", HelpName = "FILE" };
        var ca = new Option<string?>("--ca-file") { Description = "Certificates in PEM by which alone the server may prove who it is.", HelpName = "FILE" };
        var insecure = new Option<bool>("--insecure") { Description = "Do not look at the certificate of a server on this machine." };
        var command = new Command("login", "Log in, and keep the token in a file that only you can read.") { email, server, file, ca, insecure };
        options.Act(command, (session, parsed, cancellation) => RunAsync(
            session,
            new Login(parsed.GetValue(email), parsed.GetValue(server), parsed.GetValue(file), parsed.GetValue(ca), parsed.GetValue(insecure)),
            parsed.GetValue(options.Tenant),
            cancellation));
        return command;
    }

    private sealed record Login(string? Email, string? Server, string? PasswordFile, string? CaFile, bool Insecure);

    private static async Task<int> RunAsync(Session session, Login login, string? tenant, CancellationToken cancellation)
    {
        var before = session.Store.Find(session.ProfileName);
        var server = login.Server is { } typed
            ? ServerConnection.Parse(typed)
            : before?.Server ?? throw PonyException.Usage("Which server? Say --server https://cloud.example:9860.");
        var email = login.Email ?? before?.Email ?? throw PonyException.Usage("Who are you? Say your email address.");
        // What was trusted of one server says nothing of another.
        var isSame = before?.Server == server;
        var ca = login.CaFile is { } path ? Path.GetFullPath(path) : isSame ? before!.CaFile : null;
        var insecure = login.Insecure || (isSame && login.CaFile is null && before!.Insecure);
        using var client = session.Open(server, ca, insecure);

        var password = await PasswordAsync(session.Terminal, login.PasswordFile, email, server, cancellation);
        JsonObject answer;
        try
        {
            answer = (await client.SendAsync(
                new ApiRequest(HttpMethod.Post, "/token") { Authorization = Session.Basic(email, password) }, cancellation)).Json;
        }
        catch (ProblemException exception) when (exception.Problem.Status == 401)
        {
            throw new PonyException(ExitCode.NotAuthenticated, exception.Problem.Detail ?? exception.Problem.Title, exception);
        }
        var profile = new Profile
        {
            Server = server,
            Email = email,
            Token = answer["token"]?.GetValue<string>() ?? throw new PonyException(ExitCode.Unavailable, "The server gave no token."),
            Expires = answer["expires"]?.GetValue<DateTimeOffset>(),
            Tenant = tenant ?? (isSame && before!.Email == email ? before.Tenant : null),
            CaFile = ca,
            Insecure = insecure,
        };
        profile = profile with { Alicorn = await IsAlicornAsync(client, profile, cancellation) };
        session.Store.Save(session.ProfileName, profile);
        session.Store.Use(session.ProfileName);
        session.Terminal.Output.WriteLine(
            $"Logged in at {server} as {Printable.Of(email)}{(profile.Alicorn ? ", an operator of the platform" : "")}"
            + (profile.Expires is { } end ? $", until {end.ToLocalTime():yyyy-MM-dd HH:mm}." : "."));
        return ExitCode.Ok;
    }

    private static async Task<string> PasswordAsync(
        Terminal terminal, string? file, string email, Uri server, CancellationToken cancellation)
    {
        if (file is not null)
        {
            try
            {
                var text = file == "-" ? await terminal.Input.ReadToEndAsync(cancellation) : await File.ReadAllTextAsync(file, cancellation);
                return text.TrimEnd('\r', '\n');
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                throw new PonyException(ExitCode.Usage, $"{file} cannot be read.", exception);
            }
        }
        if (!terminal.IsInputTerminal || !terminal.IsErrorTerminal)
            throw PonyException.Usage("Nobody is there to be asked for a password. Say --password-file FILE, or - for standard input.");
        await terminal.Error.WriteAsync($"Password of {Printable.Of(email)} at {server.Authority}: ");
        await terminal.Error.FlushAsync(cancellation);
        var password = await terminal.ReadSecretAsync(cancellation);
        await terminal.Error.WriteLineAsync();
        return password;
    }

    // Whoever cannot see their own row is none.
    private static async Task<bool> IsAlicornAsync(ApiClient client, Profile profile, CancellationToken cancellation)
    {
        try
        {
            var answer = await client.SendAsync(
                ApiRequest.Get($"/user/{Uri.EscapeDataString(profile.Email)}") with { Authorization = new("Bearer", profile.Token) }, cancellation);
            return answer.Json["desired"]?["alicorn"]?.GetValue<bool>() ?? false;
        }
        catch (ProblemException exception) when (exception.Problem.Status is 403 or 404)
        {
            return false;
        }
    }
}
