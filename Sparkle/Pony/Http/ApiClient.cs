using System.Net.Http.Headers;
using System.Net.WebSockets;

namespace PonyCloud.Pony.Http;

/// <summary>
/// Sends requests, again where that is safe and promises something, and turns every answer that is no success into an
/// exception.
/// </summary>
internal sealed class ApiClient(HttpClient http, TimeProvider time, Action<string>? explain = null) : IDisposable
{
    public const string Root = "/api/v1";

    /// <summary>Set on answers while the controller's memory does not follow the database: since when.</summary>
    private const string DatabaseDownHeader = "PonyCloud-Database-Down-Since";

    private const int MaxAnswer = 256 << 20;

    private static readonly TimeSpan SocketKeepAlive = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan AttemptLimit = TimeSpan.FromSeconds(60);

    /// <summary>Since when the controller has been without its database, as its last answer said; null while it has it.</summary>
    public string? DatabaseDownSince { get; private set; }

    public Uri Server => http.BaseAddress!;

    /// <exception cref="ProblemException">The server did not do it.</exception>
    /// <exception cref="PonyException">The server was not reached.</exception>
    public async Task<ApiAnswer> SendAsync(ApiRequest request, CancellationToken cancellation)
    {
        var mayHaveHappened = false;
        for (var attempt = 1; ; attempt++)
        {
            var outcome = await AttemptAsync(request, cancellation);
            if (outcome.Answer is { } answer)
                return answer;
            // An earlier attempt, whose answer was lost, has removed it.
            if (mayHaveHappened && request.Method == HttpMethod.Delete && outcome.Error is ProblemException { Problem.Status: 404 })
                return new ApiAnswer(204, [], outcome.Headers!);
            mayHaveHappened |= outcome.MayHaveHappened;
#pragma warning disable CA5394 // Chance that spreads out clients, not one that keeps a secret.
            var wait = RetryPolicy.Wait(attempt, outcome.RetryAfter, Random.Shared.NextDouble());
#pragma warning restore CA5394
            if (wait is null || !outcome.IsWorthAnother)
                throw outcome.Error!;
            explain?.Invoke($"{outcome.Error!.Message} Trying again …");
            await Task.Delay(wait.Value, time, cancellation);
        }
    }

    /// <summary>Opens an answer that goes on for as long as it is read.</summary>
    public async Task<HttpResponseMessage> OpenAsync(ApiRequest request, string accept, CancellationToken cancellation)
    {
        using var message = Message(request, accept);
        HttpResponseMessage? response = null;
        try
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            using var timer = time.CreateTimer(_ => limit.Cancel(), null, AttemptLimit, Timeout.InfiniteTimeSpan);
            response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            if (response.IsSuccessStatusCode)
                return response;
            throw new ProblemException(Problem.Read((int)response.StatusCode, await response.Content.ReadAsByteArrayAsync(limit.Token)));
        }
        catch (HttpRequestException exception)
        {
            response?.Dispose();
            throw Unreachable(exception, isInDoubt: false);
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            throw new PonyException(ExitCode.TimedOut, $"{Server} did not answer within {AttemptLimit.TotalSeconds:0} s.", exception);
        }
        catch (ProblemException)
        {
            response?.Dispose();
            throw;
        }
    }

    /// <summary>
    /// Sends a request once, and reads its answer, which may be a failure, no further than its headers. How long it may take
    /// is the caller's to say.
    /// </summary>
    /// <exception cref="PonyException">The server was not reached.</exception>
    public async Task<HttpResponseMessage> ExchangeAsync(ApiRequest request, string accept, CancellationToken cancellation)
    {
        using var message = Message(request, accept);
        try
        {
            return await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, cancellation);
        }
        catch (HttpRequestException exception)
        {
            throw Unreachable(exception, isInDoubt: false);
        }
    }

    /// <summary>Opens a WebSocket of the API.</summary>
    /// <returns>Null when there is none at the moment.</returns>
    public async Task<ClientWebSocket?> TryOpenSocketAsync(Uri place, CancellationToken cancellation)
    {
        var socket = new ClientWebSocket();
        socket.Options.KeepAliveInterval = SocketKeepAlive;
        socket.Options.KeepAliveTimeout = SocketKeepAlive;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, AttemptLimit, Timeout.InfiniteTimeSpan);
        try
        {
            await socket.ConnectAsync(place, http, limit.Token);
            return socket;
        }
        catch (Exception exception)
        {
            socket.Dispose();
            if (exception is WebSocketException || (exception is OperationCanceledException && !cancellation.IsCancellationRequested))
                return null;
            throw;
        }
    }

    public void Dispose() => http.Dispose();

    private async Task<Outcome> AttemptAsync(ApiRequest request, CancellationToken cancellation)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        using var timer = time.CreateTimer(_ => limit.Cancel(), null, AttemptLimit, Timeout.InfiniteTimeSpan);
        try
        {
            using var message = Message(request, "application/json, application/problem+json");
            using var response = await http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, limit.Token);
            await response.Content.LoadIntoBufferAsync(MaxAnswer, limit.Token);
            return Read(request, response, await response.Content.ReadAsByteArrayAsync(limit.Token));
        }
        catch (HttpRequestException exception)
        {
            var wasSent = exception.HttpRequestError is not (
                HttpRequestError.ConnectionError or HttpRequestError.NameResolutionError or HttpRequestError.SecureConnectionError);
            return new Outcome
            {
                Error = Unreachable(exception, wasSent && !request.IsSafeToRepeat),
                MayHaveHappened = wasSent,
                // A name that does not resolve and a certificate that is not trusted are no better a moment later.
                IsWorthAnother = wasSent ? request.IsSafeToRepeat : exception.HttpRequestError == HttpRequestError.ConnectionError,
            };
        }
        catch (OperationCanceledException exception) when (!cancellation.IsCancellationRequested)
        {
            var doubt = request.Method == HttpMethod.Get ? "" : " It is not known whether the change stands. Look before trying again.";
            return new Outcome
            {
                Error = new PonyException(
                    ExitCode.TimedOut, $"{Server} did not answer within {AttemptLimit.TotalSeconds:0} s.{doubt}", exception),
                MayHaveHappened = true,
                IsWorthAnother = request.IsSafeToRepeat,
            };
        }
    }

    private Outcome Read(ApiRequest request, HttpResponseMessage response, byte[] body)
    {
        DatabaseDownSince = response.Headers.TryGetValues(DatabaseDownHeader, out var since) ? since.First() : null;
        var status = (int)response.StatusCode;
        if (status is >= 200 and < 300)
            return new Outcome { Answer = new ApiAnswer(status, body, response.Headers) };
        var after = response.Headers.RetryAfter;
        return new Outcome
        {
            Error = new ProblemException(Problem.Read(status, body)),
            Headers = response.Headers,
            RetryAfter = after?.Delta ?? (after?.Date is { } date ? date - time.GetUtcNow() : null),
            // A server that says "not now" has done nothing. What stands between may have passed the request on before it failed.
            IsWorthAnother = status is 429 or 503 || (status == 502 && request.IsSafeToRepeat),
            MayHaveHappened = status == 502,
        };
    }

    private static HttpRequestMessage Message(ApiRequest request, string accept)
    {
        var message = new HttpRequestMessage(request.Method, Root + request.Path);
        message.Headers.Authorization = request.Authorization;
        message.Headers.TryAddWithoutValidation("Accept", accept);
        if (request.IfMatch is not null)
            message.Headers.TryAddWithoutValidation("If-Match", request.IfMatch);
        if (request.IdempotencyKey is not null)
            message.Headers.TryAddWithoutValidation("Idempotency-Key", request.IdempotencyKey);
        foreach (var (name, value) in request.Headers)
            message.Headers.TryAddWithoutValidation(name, value);
        if (request.Stream is not null)
        {
            message.Content = request.Stream;
            // What the server refuses is refused before it is on its way.
            message.Headers.ExpectContinue = true;
        }
        else if (request.Body is not null)
        {
            message.Content = new ByteArrayContent(request.Body);
            message.Content.Headers.ContentType = new MediaTypeHeaderValue(request.MediaType);
        }
        return message;
    }

    private PonyException Unreachable(HttpRequestException exception, bool isInDoubt) => exception.HttpRequestError switch
    {
        HttpRequestError.NameResolutionError => new PonyException(ExitCode.Unavailable, $"There is no machine named {Server.Host}.", exception),
        HttpRequestError.SecureConnectionError => new PonyException(
            ExitCode.Unavailable,
            $"{Server} does not prove who it is, so it was sent nothing. A certificate of your own authority is trusted with pony login --ca-file.",
            exception),
        HttpRequestError.ConnectionError => new PonyException(ExitCode.Unavailable, $"{Server} cannot be reached.", exception),
        _ when isInDoubt => new PonyException(
            ExitCode.TimedOut, $"The connection to {Server} broke, and it is not known whether the change stands. Look before trying again.", exception),
        _ => new PonyException(ExitCode.Unavailable, $"The connection to {Server} broke.", exception),
    };

    /// <summary>What came of one attempt: an answer, or an error and whether to try again.</summary>
    private sealed record Outcome
    {
        public ApiAnswer? Answer { get; init; }

        public Exception? Error { get; init; }

        public HttpResponseHeaders? Headers { get; init; }

        public TimeSpan? RetryAfter { get; init; }

        public bool IsWorthAnother { get; init; }

        public bool MayHaveHappened { get; init; }
    }
}
