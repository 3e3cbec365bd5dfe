<?php
// The clients of PHP. Each name in the arguments is a client that makes one call; prints how each went.
const URL = 'https://fal.run/acme/plain';

function with_curl(): string
{
    $curl = curl_init(URL);
    curl_setopt_array($curl, [
        CURLOPT_POSTFIELDS => '{}',
        CURLOPT_HTTPHEADER => ['content-type: application/json'],
        CURLOPT_RETURNTRANSFER => true,
    ]);
    $answer = curl_exec($curl);
    return $answer === false ? 'failed: ' . curl_error($curl) : $answer;
}

function with_streams(): string
{
    $http = ['method' => 'POST', 'header' => 'content-type: application/json', 'content' => '{}'];
    $answer = @file_get_contents(URL, false, stream_context_create(['http' => $http]));
    return $answer === false ? 'failed: ' . error_get_last()['message'] : $answer;
}

$results = [];
foreach (array_slice($argv, 1) as $name) {
    $results[$name] = "with_$name"();
}
echo json_encode($results), "\n";
