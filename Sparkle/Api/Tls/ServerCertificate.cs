using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace PonyCloud.Sparkle.Api.Tls;

/// <summary>
/// The certificate that new connections get. It follows its files, however they are replaced: by rename, through a link
/// that points elsewhere, or in place. What cannot be served changes nothing, and the log says which file and why.
/// </summary>
/// <remarks>
/// The files are read again every few seconds instead of watched, since a watch on a link or on a name that is replaced
/// sees nothing. Connections that are open keep what they have; an old certificate goes with the last of them.
/// </remarks>
public sealed partial class ServerCertificate(CertificateFiles files, TimeProvider time, ILogger<ServerCertificate> logger) : BackgroundService
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan WarnEvery = TimeSpan.FromHours(12);
    private static readonly TimeSpan WarnAhead = TimeSpan.FromDays(14);

    private volatile LoadedCertificate _current = files.Load();
    private string? _refused;
    private DateTimeOffset? _warned;

    public LoadedCertificate Current => _current;

    /// <summary>Takes over what the files hold, if it is new and can be served; warns if what is served ends soon.</summary>
    /// <returns>Whether another certificate is served from now on.</returns>
    public bool Look()
    {
        var isNew = Reload();
        var now = time.GetUtcNow();
        if (isNew || _warned is null || now - _warned >= WarnEvery)
        {
            _warned = now;
            Warn(now);
        }
        return isNew;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(LookEvery, time);
        do
            Look();
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private bool Reload()
    {
        string? seen = null;
        try
        {
            var (certificate, key, digest) = files.Read();
            seen = digest;
            if (digest == _current.Digest || digest == _refused)
            {
                _refused = digest == _current.Digest ? null : _refused;
                return false;
            }
            _current = files.Parse(certificate, key, digest);
            _refused = null;
            LogLoaded(files.Certificate, _current.Leaf.Subject, _current.Leaf.SerialNumber, _current.NotAfter);
            return true;
        }
        catch (CertificateException refusal)
        {
            // Once for the same contents, or the same reason.
            seen ??= refusal.Message;
            if (_refused != seen)
                LogRefused(refusal.Message, _current.Leaf.SerialNumber, _current.NotAfter);
            _refused = seen;
            return false;
        }
    }

    private void Warn(DateTimeOffset now)
    {
        var ends = _current.NotAfter;
        if (ends <= now)
            LogEnded(files.Certificate, ends);
        else if (ends - now < WarnAhead)
            LogEndsSoon(files.Certificate, ends, (ends - now).Days);
    }

    [LoggerMessage(3051, LogLevel.Information, "New connections get the certificate in {File}: {Subject}, serial {Serial}, until {NotAfter}")]
    private partial void LogLoaded(string file, string subject, string serial, DateTimeOffset notAfter);

    [LoggerMessage(3052, LogLevel.Error, "The certificate stays the one with serial {Serial}, until {NotAfter}: {Why}")]
    private partial void LogRefused(string why, string serial, DateTimeOffset notAfter);

    [LoggerMessage(3053, LogLevel.Warning, "The certificate in {File} ends at {NotAfter}, in {Days} days")]
    private partial void LogEndsSoon(string file, DateTimeOffset notAfter, int days);

    [LoggerMessage(3054, LogLevel.Error, "The certificate in {File} has ended at {NotAfter}: clients will refuse it")]
    private partial void LogEnded(string file, DateTimeOffset notAfter);
}
