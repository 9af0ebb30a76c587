using System.Text;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using PonyCloud.Shared.Entities;
using PonyCloud.Shared.Hosting;
using PonyCloud.Shared.State;
using PonyCloud.Sparkle.Api.Security;
using PonyCloud.Sparkle.Control;
using PonyCloud.Sparkle.Database;

namespace PonyCloud.Sparkle.Api;

/// <summary>
/// Makes an operator when the database has none, so that somebody can log in at all. The password is generated, and
/// shown once: on the console, or in a file that only the controller's user reads. It is never logged.
/// </summary>
/// <param name="console">Where the password is shown; null for standard output.</param>
public sealed partial class FirstAlicorn(
    ApiOptions options,
    EntityCatalog catalog,
    UserDirectory directory,
    Passwords passwords,
    IStateView view,
    IDesiredStateWriter database,
    TimeProvider time,
    ILogger<FirstAlicorn> logger,
    TextWriter? console = null) : BackgroundService
{
    private const int MaxAttempts = 20;

    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan MaxWait = TimeSpan.FromSeconds(30);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        StateSnapshot? snapshot;
        while ((snapshot = view.Snapshot) is null)
            await Task.Delay(LookEvery, time, stoppingToken);
        if (HasAlicorn(snapshot))
            return;
        if (directory.FindUser(snapshot, options.FirstAlicornEmail) is not null)
        {
            // Whoever owns that account was not made an operator, and a restart must not do it.
            LogTaken(options.FirstAlicornEmail);
            return;
        }
        var password = Passwords.Generate();
        var user = new UserDesired { Email = options.FirstAlicornEmail, Alicorn = true, Data = passwords.Hash(password) };
        try
        {
            await CreateAsync(user, password, stoppingToken);
        }
        catch (Exception exception) when (exception is WriteRefusedException or IOException or UnauthorizedAccessException)
        {
            RemoveFile();
            LogFailed(exception, user.Email);
        }
    }

    private async Task CreateAsync(UserDesired user, string password, CancellationToken cancellation)
    {
        // The file first: a password that could not be told to anybody would lock everybody out.
        if (options.FirstAlicornPasswordFile is { } file)
            WholeFile.Write(file, Encoding.UTF8.GetBytes(password + "\n"), WholeFile.Secret, replace: true);
        var wait = LookEvery;
        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            // Somebody else may have been quicker, or an attempt whose outcome was not known has worked.
            if (HasAlicorn(view.Snapshot!))
                break;
            try
            {
                await database.WriteAsync([new RowWrite.Insert(catalog["user"], user)], cancellation);
                break;
            }
            catch (Exception exception) when (exception is DatabaseUnavailableException or UnconfirmedCommitException)
            {
                LogTryingAgain(exception, attempt);
                await Task.Delay(wait, time, cancellation);
                wait = wait * 2 < MaxWait ? wait * 2 : MaxWait;
            }
            catch (WriteRefusedException) when (attempt > 1 && IsOurs(user.Email, password))
            {
                break;
            }
        }
        if (!IsOurs(user.Email, password))
        {
            RemoveFile();
            LogNotMade(user.Email);
            return;
        }
        LogMade(user.Email);
        if (options.FirstAlicornPasswordFile is null)
        {
            var output = console ?? Console.Out;
            await output.WriteLineAsync($"""

                The first operator of this platform, shown only now:
                    user      {user.Email}
                    password  {password}

                """);
            await output.FlushAsync(cancellation);
        }
    }

    private bool HasAlicorn(StateSnapshot snapshot) => directory.Users(snapshot).Any(user => user.Alicorn);

    // By the password, since the database may keep the hash's JSON in an order of its own.
    private bool IsOurs(string email, string password) =>
        directory.FindUser(view.Snapshot!, email) is { Alicorn: true } found && passwords.Verify(found.Data, password);

    // A password that opens nothing would only mislead.
    private void RemoveFile()
    {
        if (options.FirstAlicornPasswordFile is { } file && File.Exists(file))
            File.Delete(file);
    }

    [LoggerMessage(3031, LogLevel.Information, "The database had no alicorn; made {User}")]
    private partial void LogMade(string user);

    [LoggerMessage(3032, LogLevel.Error, "The database has no alicorn, and {User} is somebody else's account")]
    private partial void LogTaken(string user);

    [LoggerMessage(3033, LogLevel.Error, "The database has no alicorn, and {User} could not be made one")]
    private partial void LogFailed(Exception exception, string user);

    [LoggerMessage(3034, LogLevel.Warning, "The first alicorn is not in the database yet, attempt {Attempt}")]
    private partial void LogTryingAgain(Exception exception, int attempt);

    [LoggerMessage(3035, LogLevel.Warning, "{User} was not made an alicorn by this start")]
    private partial void LogNotMade(string user);
}
