using System.CommandLine;
using PonyCloud.Pony.Http;

namespace PonyCloud.Pony.Commands;

/// <summary>Ends a login: the server forgets the token, and so does this machine.</summary>
internal static class LogoutCommand
{
    public static Command Make(GlobalOptions options)
    {
        var command = new Command("logout", "Have the server revoke the token, and forget it here.");
        options.Act(command, RunAsync);
        return command;
    }

    private static async Task<int> RunAsync(Session session, ParseResult parsed, CancellationToken cancellation)
    {
        if (session.Store.Find(session.ProfileName) is not { } profile)
        {
            session.Terminal.Output.WriteLine("Not logged in.");
            return ExitCode.Ok;
        }
        try
        {
            await session.Client.SendAsync(ApiRequest.Delete("/token") with { Authorization = new("Bearer", profile.Token) }, cancellation);
        }
        catch (ProblemException exception) when (exception.Problem.Status == 401)
        {
            // It counts for nothing already, which is what was asked for.
            session.Progress.Clear();
        }
        session.Store.Remove(session.ProfileName);
        session.Terminal.Output.WriteLine($"Logged out at {profile.Server}.");
        return ExitCode.Ok;
    }
}
